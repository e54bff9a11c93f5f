// One spec of every policy and wrapper, with thresholds that let some samples leave and some stay.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "policy/exit_policy.h"
#include "support/learned_settings.h"

namespace sooner::test {

// `spec` with thresholds that about a third of the samples pass at each early exit. logits: [n, K, C]; gates: [n, K-1].
inline PolicySpec with_thresholds(PolicySpec spec, const PolicyContext& context, std::span<const float> logits,
                                  std::span<const float> gates) {
  const auto exits = static_cast<size_t>(context.exits), classes = static_cast<size_t>(context.classes);
  spec.thresholds.assign(exits - 1, Threshold::nobody());
  const auto staying = make_policy(spec, context);
  std::vector<std::vector<double>> scores(exits - 1);
  for (size_t i = 0; i < logits.size() / exits / classes; ++i) {
    std::vector<std::byte> state(staying->state_bytes());
    for (size_t k = 0; k + 1 < exits; ++k) {
      const ExitObservation seen{.exit_index = static_cast<int32_t>(k),
                                 .logits = logits.subspan((i * exits + k) * classes, classes),
                                 .gate = gates[i * (exits - 1) + k]};
      scores[k].push_back(static_cast<double>(staying->decide(seen, state).score));
    }
  }
  for (size_t k = 0; k + 1 < exits; ++k) {
    std::ranges::sort(scores[k]);
    spec.thresholds[k] = Threshold::score(scores[k][scores[k].size() * 2 / 3]);
  }
  return spec;
}

// A deadline's spec leaves no sample behind unless its times say so. REQUIRES: gates, and at least two early exits.
inline std::vector<PolicySpec> every_policy(const PolicyContext& context, std::span<const float> logits,
                                            std::span<const float> gates) {
  const auto early = static_cast<size_t>(context.exits - 1), classes = static_cast<size_t>(context.classes);
  const std::vector<double> temperatures(early + 1, 1.5);
  const auto chosen = [&](PolicySpec spec) { return with_thresholds(std::move(spec), context, logits, gates); };
  std::vector<PolicySpec> specs;
  for (const std::string& name : policy_names()) {
    if (!has_thresholds(name) || name == "patience") continue;
    PolicySpec spec;
    spec.name = name;
    spec.temperatures = temperatures;
    if (name == "learned") spec.settings = learned_settings(context);
    specs.push_back(chosen(spec));
  }
  PolicySpec patience;
  patience.name = "patience";
  specs.push_back(patience);

  PolicySpec weighted;
  weighted.name = "ensemble";
  NumberRows weights, biases;
  for (size_t k = 0; k < early; ++k) {
    weights.emplace_back();
    for (size_t i = 0; i <= k; ++i) weights.back().push_back(0.5 * static_cast<double>(i) - 0.25);
    biases.emplace_back(classes, 0.0);
    biases.back()[k % classes] = 0.125;
  }
  weighted.settings = {{"weights", weights}, {"biases", biases}};
  specs.push_back(chosen(weighted));
  PolicySpec mixture;
  mixture.name = "ensemble";
  mixture.settings.set("mean", "arithmetic");
  specs.push_back(chosen(mixture));

  PolicySpec margin;
  margin.name = "margin";
  margin = chosen(margin);
  PolicySpec combined;
  combined.name = "any";
  combined.parts = {margin, patience};
  specs.push_back(combined);
  combined.name = "all";
  combined.parts = {margin, specs[0]};
  specs.push_back(combined);

  PolicySpec by_class = margin;
  by_class.thresholds.clear();
  for (const Threshold& threshold : margin.thresholds) {
    by_class.class_thresholds.emplace_back(classes, threshold);
    by_class.class_thresholds.back()[0] = Threshold::nobody();
  }
  specs.push_back(by_class);
  PolicySpec unsure = margin;
  unsure.wrappers.abstain_below = Threshold::score(margin.thresholds.back().as_score() / 2);
  specs.push_back(unsure);
  unsure.wrappers.surest_so_far = true;
  specs.push_back(unsure);
  // One that compares exits by its own score, and one that leaves it to max-prob.
  for (PolicySpec surest : {margin, patience}) {
    surest.wrappers.surest_so_far = true;
    specs.push_back(surest);
  }
  PolicySpec in_time = margin;
  in_time.wrappers.deadline_seconds = 1e9;
  specs.push_back(in_time);
  PolicySpec capped = margin;
  capped.wrappers.cap = static_cast<int32_t>(early) - 1;
  specs.push_back(capped);
  return specs;
}

}  // namespace sooner::test
