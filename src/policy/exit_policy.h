// Decides, after each exit of a model, whether the answer is good enough to stop.
//
// A policy sees one sample's logits at one exit, and the few bytes of state it asked for: no model, no tensors, no
// backend, no clock. It is a pure function of those, so it can be tested with a handful of floats and replayed
// offline from a log of logits. Policies are immutable and safe to share between threads.
//
// Shapes below: C = classes, K = exits of the model (the last one always stops). Exits count from 0.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sooner {

struct ExitObservation {
  int32_t exit_index = 0;                                // 0 is the earliest exit; < K
  std::span<const float> logits = {};                    // [C], pre-softmax, natural-log units
  float gate = std::numeric_limits<float>::quiet_NaN();  // sigmoid output in [0, 1]; NaN where the exit has no gate
};

enum class Left : uint8_t { kStays, kByPolicy, kByCap, kAtLastExit };
std::string_view to_string(Left left);

struct ExitVerdict {
  Left left = Left::kStays;
  float score = 0;  // the policy's score at this exit: larger is surer; leaves iff score >= threshold
  [[nodiscard]] bool leaves() const { return left != Left::kStays; }
};

// What a policy is made of, as it stands in files, configs and on command lines.
struct PolicySpec {
  // entropy | max-prob | margin | gate | confidence | always | never
  std::string name = "never";
  // [K-1], one per early exit, on the policy's own score scale (larger is surer); +inf: nobody leaves there, -inf:
  // everybody. Empty for always and never. `gate` defaults to 0.5 everywhere, `confidence` too.
  std::vector<double> thresholds = {};
  // [K], softmax temperatures applied to logits before a probability policy; empty means 1 everywhere.
  std::vector<double> temperatures = {};
  int32_t always_exit = 0;  // `always`: everybody leaves at this exit; heads before it are skipped
  int32_t cap = -1;         // nobody goes beyond this exit; -1: no cap. Combines with every policy.
  bool operator==(const PolicySpec&) const = default;
};

class ExitPolicy {
 public:
  virtual ~ExitPolicy() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Bytes of state per sample, zero-filled before the first exit; a multiple of 8.
  [[nodiscard]] virtual size_t state_bytes() const { return 0; }
  // False where the policy can decide without this exit's answer (`always` before its exit): the head is then
  // neither computed nor paid, and `decide` is not called.
  [[nodiscard]] virtual bool needs_exit(int32_t exit_index) const {
    static_cast<void>(exit_index);
    return true;
  }
  // REQUIRES: logits.size() >= 2; state.size() == state_bytes(). No allocation, no exception.
  virtual ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const = 0;
};

struct PolicyContext {
  int32_t exits = 1;
  int32_t classes = 2;
  bool has_gates = false;  // every early exit has one
};

// The policy `spec` describes, wrapped by its cap. Throws kInvalidArgument: unknown name (nearest named), wrong number
// of thresholds or temperatures, temperature not positive, NaN, exit out of range, `gate`/`confidence` without gates.
std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context);

// All names, in the order shown to people.
const std::vector<std::string>& policy_names();
// True where tuning chooses thresholds for this policy (all but always, never).
bool has_thresholds(std::string_view policy_name);

}  // namespace sooner
