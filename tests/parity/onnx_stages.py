"""Follows docs/onnx_stages.md in ONNX Runtime and compares who leaves where, and with which answer, with this engine's.

Usage: onnx_stages.py FOLDER

FOLDER holds stage<k>.onnx, stages<i>.json for every policy i, images.f32 [n, C, H, W], and answers.json: of every
policy, for each image, the exit, the label and whether it abstained. Only what the page tells is used: of thresholds
the values in people's unit, never the scores. Two runtimes round differently, so a sample may decide otherwise where
its value is within 1e-4 of the threshold. Prints one line; exit code 1 and a message where something differs.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnxruntime

NEAR = 1e-4


def softmax(logits):
    exponentials = np.exp(logits - np.max(logits))
    return exponentials / np.sum(exponentials)


def entropy(p):
    return float(-np.sum(p[p > 0] * np.log(p[p > 0])))


def probability(log_odds):
    return 1 / (1 + math.exp(-log_odds))


def log_odds(p):
    largest = int(np.argmax(p))
    return float(np.log(p[largest]) - np.log(np.sum(np.delete(p, largest))))


class Sample:
    """One sample's way through the exits under one policy: value, label and whether it leaves, exit after exit."""

    def __init__(self, policy, exits, cost_weights):
        self.policy, self.exits, self.cost_weights = policy, exits, cost_weights
        self.temperatures = policy["temperatures"] or [1.0] * exits
        self.probabilities, self.labels, self.logits, self.gates = [], [], [], []
        self.parts = [Sample(part, exits, cost_weights) for part in policy["parts"]]

    def see(self, logits, gate):
        """(leaves by the policy, its label, its value as people tell it, how near it came to deciding otherwise)."""
        k = len(self.labels)
        logits = logits.astype(np.float64)
        self.logits.append(logits)
        self.probabilities.append(softmax(logits / self.temperatures[k]))
        self.labels.append(int(np.argmax(logits)))
        self.gates.append(gate)
        last = k + 1 == self.exits
        name, settings = self.policy["name"], self.policy["settings"]
        if name in ("any", "all"):
            seen = [part.see(logits, gate) for part in self.parts]
            leaving = [leaves for leaves, _, _, _ in seen]
            label = next((label for leaves, label, _, _ in seen if leaves), seen[0][1])
            leaves = (any if name == "any" else all)(leaving) and not last
            return leaves, label, sum(leaving) / len(seen), min(near for _, _, _, near in seen)
        if name in ("always", "never"):
            return name == "always" and k >= settings.get("exit", 0) and not last, self.labels[k], 0, math.inf
        value, label = self.judge(name, settings, k, last)
        if last:
            return False, label, value, math.inf
        threshold = self.threshold(k, label)
        if threshold in ("nobody", "everybody"):
            return threshold == "everybody", label, value, math.inf
        leaves = value <= threshold if self.policy_unit() == "nats" else value >= threshold
        return leaves, label, value, abs(value - threshold)

    def policy_unit(self):
        return (self.policy["thresholds"] or self.policy["class_thresholds"] or {"unit": ""})["unit"]

    def threshold(self, k, label):
        if self.policy["class_thresholds"]:
            return self.policy["class_thresholds"]["values"][k][label]
        if not self.policy["thresholds"]:
            return {"gate": 0.5, "confidence": 0.5, "patience": 1}[self.policy["name"]]
        return self.policy["thresholds"]["values"][k]

    def judge(self, name, settings, k, last):
        p, own = self.probabilities[k], self.labels[k]
        if name == "max-prob":
            return float(np.max(p)), own
        if name == "entropy":
            return entropy(p), own
        if name == "margin":
            second, first = np.sort(p)[-2:]
            return float(first - second), own
        if name == "gate":
            return self.gate(k), own
        if name == "confidence":
            return 1 - math.prod(1 - self.gate(i) for i in range(k + 1)), own
        if name == "patience":
            agreeing = 0
            while agreeing < k and self.labels[k - agreeing - 1] == own:
                agreeing += 1
            return agreeing, own
        if name == "vote":
            votes = np.zeros(len(p))
            for i in range(k + 1):
                votes[self.labels[i]] += np.max(self.probabilities[i])
            winner = own if last else int(np.argmax(votes))
            return float(votes[winner]) / (k + 1), winner
        if name == "ensemble":
            return self.ensemble(settings, k, last)
        if name == "learned":
            return probability(self.learned(settings, k, last)), own
        sys.exit(f"onnx_stages: the page has no rule for '{name}'")

    def gate(self, k):
        gate, weights = self.gates[k], self.cost_weights
        if gate is None:
            return 1.0  # the last exit's
        if weights is None:
            return gate
        cost = self.policy["settings"].get("cost_weight", weights["standard"])
        w = 2 * math.log(cost / weights["low"]) / math.log(weights["high"] / weights["low"]) - 1
        first, second = weights["shifts"][k]
        return probability(math.log(gate / (1 - gate)) + first * w + second * w * w)

    def ensemble(self, settings, k, last):
        if last:
            return float(np.max(self.probabilities[k])), self.labels[k]
        if settings.get("mean") == "arithmetic":
            q = np.mean(self.probabilities[: k + 1], axis=0)
        else:
            weights = settings.get("weights") or [[0.0] * (i + 1) for i in range(self.exits - 1)]
            biases = settings.get("biases") or [[0.0] * len(self.logits[0])] * (self.exits - 1)
            mean = sum(math.exp(weights[k][i]) * np.log(self.probabilities[i]) for i in range(k + 1)) / (k + 1)
            q = softmax(mean + np.array(biases[k]))
        return float(np.max(q)), int(np.argmax(q))

    def learned(self, settings, k, last):
        plain = [softmax(logits) for logits in self.logits]
        second, first = np.sort(plain[k])[-2:]
        features = [log_odds(plain[k]), first - second, 1 - entropy(plain[k]) / math.log(len(plain[k]))]
        if self.gates[k] is not None and not last:
            features.append(self.gates[k])
        for i in range(k):
            features += [log_odds(plain[i]), 1.0 if self.labels[i] == self.labels[k] else 0.0]
        weights, means, scales = (settings[key][k] for key in ("weights", "means", "scales"))
        return weights[0] + sum(w * (x - m) / s for w, x, m, s in zip(weights[1:], features, means, scales, strict=True))


def walk(policy, cost_weights, exits, logits, gates):
    """(exit, label, abstains, how near it came to something else) of one sample; logits and gates are of every exit."""
    sample, around = Sample(policy, exits, cost_weights), policy["wrappers"]
    near, surest = math.inf, None
    for k in range(exits):
        leaves, label, value, close = sample.see(logits[k], gates[k])
        near = min(near, close)
        if leaves:
            return k, label, False, near
        sure = -value if policy["name"] == "entropy" else value
        odds = log_odds(softmax(logits[k].astype(np.float64)))
        own = policy["name"] in ("entropy", "max-prob", "margin", "vote", "ensemble")
        rank = sure if own else odds
        if around["surest_so_far"]:
            if surest is not None:
                near = min(near, abs(rank - surest[0]))
            if surest is None or rank >= surest[0]:
                surest = (rank, label, value, odds)
        if k + 1 < exits and k != around["cap"]:
            continue
        if surest is not None:
            _, label, value, odds = surest
        below, abstains = around["abstain_below"], False
        if below is not None:
            told = value if below["unit"] == sample.policy_unit() else probability(odds)
            abstains = told > below["value"] if below["unit"] == "nats" else told < below["value"]
            near = min(near, abs(told - below["value"]))
        return k, label, abstains, near


def main(folder):
    onnxruntime.set_default_logger_severity(3)
    answers = json.loads((folder / "answers.json").read_text())
    index = json.loads((folder / "stages0.json").read_text())
    shape = index["preprocessing"]["image_shape"]
    values = {"input": np.fromfile(folder / "images.f32", np.float32).reshape(-1, *shape)}
    logits, gates = [], []
    for stage in index["stages"]:
        session = onnxruntime.InferenceSession(folder / stage["file"], providers=["CPUExecutionProvider"])
        names = [value["name"] for value in stage["outputs"]]
        given = {value["name"]: values[value["name"]] for value in stage["inputs"]}
        values = dict(zip(names, session.run(names, given), strict=True))
        logits.append(values["logits"])
        gates.append(values["gate"][:, 0].astype(float) if "gate" in values else [None] * len(values["logits"]))
    exits = len(logits)
    for i, expected in enumerate(answers):
        index = json.loads((folder / f"stages{i}.json").read_text())
        policy = index["policy"]
        close, taken = 0, [0] * exits
        for n, (exit_index, label, abstains) in enumerate(expected):
            got = walk(policy, index.get("cost_weights"), exits, [each[n] for each in logits], [each[n] for each in gates])
            taken[exit_index] += 1
            if got[3] <= NEAR:
                close += 1
            elif got[:3] != (exit_index, label, abstains):
                sys.exit(f"onnx_stages: policy {i}, {json.dumps(policy)}, sample {n}: exit, label, abstains {got[:3]}, "
                         f"the engine has {(exit_index, label, abstains)}")
        if close > len(expected) // 20:
            sys.exit(f"onnx_stages: policy {i}: {close} of {len(expected)} samples are too near a threshold to tell")
    print(f"{len(answers)} policies agree on {len(answers[0])} samples")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
