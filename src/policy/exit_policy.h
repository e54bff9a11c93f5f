// Decides, after each exit of a model, whether the answer is good enough to stop.
//
// A policy sees one sample's logits at one exit, and the state it asked for: no model, no tensors, no
// backend; times are part of what it is shown. It is a pure function of those, so it can be tested with a handful of
// floats and replayed offline from a log of logits. Policies are immutable and safe to share between threads.
//
// Shapes below: C = classes, K = exits of the model (the last one always stops). Exits count from 0.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/cost_weights.h"
#include "policy/policy_spec.h"

namespace sooner {

struct ExitObservation {
  int32_t exit_index = 0;              // 0 is the earliest exit; < K
  std::span<const float> logits = {};  // [C], pre-softmax, natural-log units; C is 1: the number answered, in its unit
  float gate = std::numeric_limits<float>::quiet_NaN();  // sigmoid output in [0, 1]; NaN where the exit has no gate
  // For policies that need times alone: since the sample's run began, and until it would have its next answer, that is
  // what it waits before its next stage starts and that stage with its head; 0 at the last exit, NaN where not known.
  double elapsed_seconds = std::numeric_limits<double>::quiet_NaN();
  double next_stage_seconds = std::numeric_limits<double>::quiet_NaN();
  // The sample's own deadline, since its run began, where it is tighter than its policy's; +inf: none.
  double deadline_seconds = std::numeric_limits<double>::infinity();
};

// kAbstains: it had to leave (last exit, cap, deadline), and the answer is "do not know".
enum class Left : uint8_t { kStays, kByPolicy, kByCap, kAtLastExit, kByDeadline, kAbstains };
std::string_view to_string(Left left);

struct ExitVerdict {
  Left left = Left::kStays;
  float score = 0;  // the policy's score at this exit: larger is surer; leaves iff score >= threshold
  // What the policy answers when it leaves here, where that is not this exit's own argmax (`vote`, `ensemble`: all
  // exits so far answer together; PolicyWrappers::surest_so_far); -1: the exit's own.
  int32_t label = -1;
  // Of `label`, where the policy has one of its own; NaN: what this exit's softmax gives it.
  float probability = std::numeric_limits<float>::quiet_NaN();
  [[nodiscard]] bool leaves() const { return left != Left::kStays; }
};

// The class a verdict answers with: its own, else the argmax of the exit's logits [C].
int32_t answered_label(const ExitVerdict& verdict, std::span<const float> logits);

// The score at an exit that cannot be judged; whatever the threshold, nobody leaves by it.
inline constexpr double kNoScore = -std::numeric_limits<double>::infinity();

struct PolicyContext {
  int32_t exits = 1;
  int32_t classes = 2;                           // 1: the network answers with a number
  bool has_gates = false;                        // every early exit has one
  std::optional<CostWeights> cost_weights = {};  // where the gates were trained for a range of them
};

class ExitPolicy {
 public:
  virtual ~ExitPolicy() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Bytes of state per sample, zero-filled before the first exit; a multiple of 8.
  [[nodiscard]] virtual size_t state_bytes() const { return 0; }
  // False where the policy can decide without this exit's answer (`always` before its exit; where every threshold is
  // +inf and no later decision looks back): the head is then neither computed nor paid, unless a later head reads it,
  // and `decide` is not called.
  [[nodiscard]] virtual bool needs_exit(int32_t exit_index) const {
    static_cast<void>(exit_index);
    return true;
  }
  // True where `decide` looks at the observation's times; nobody reads a clock otherwise.
  [[nodiscard]] virtual bool needs_times() const { return false; }
  // Seconds after a sample's run began by which its answer should be there; +inf: none. A sample that waits too long
  // for its next stage is answered with what it has.
  [[nodiscard]] virtual double deadline_seconds() const { return std::numeric_limits<double>::infinity(); }
  // What samples at a cut know their policy by: those of the same fingerprint decide alike and have the same state. Of
  // a policy that make_policy made, a hash of its whole specification (fingerprint.h); of any other, of its name and
  // its state's size, so one with settings of its own should override it.
  [[nodiscard]] virtual uint64_t fingerprint() const;
  // REQUIRES: as many logits as the context had classes; state.size() == state_bytes(), beginning at a multiple of 8
  // bytes; what earlier exits left in it. No allocation, no exception.
  virtual ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const = 0;

 private:
  friend std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context);
  mutable uint64_t made_of_ = 0;  // set by make_policy before anybody else sees the policy; 0: made elsewhere
};

// The policy `spec` describes, wrapped by cap, deadline, surest exit so far and abstention, in this order. Throws
// kInvalidArgument: unknown name (nearest named), a policy that needs classes for a network that answers with a
// number, wrong number of thresholds or temperatures, a threshold of another policy's unit, temperature not positive,
// NaN, exit or threshold out of range, gates that are missing, settings and members that belong to another policy, are
// out of range or would do nothing.
std::unique_ptr<const ExitPolicy> make_policy(const PolicySpec& spec, const PolicyContext& context);

// `spec` with every threshold as a score, parts included: as files hold it. Throws kInvalidArgument for an unknown
// name and for a threshold that is told in another policy's unit or is no value of its own.
PolicySpec in_scores(PolicySpec spec, int32_t classes);

// All names, in the order shown to people.
std::vector<std::string> policy_names();
// True where tuning chooses thresholds for this policy (all but always, never, any, all).
bool has_thresholds(std::string_view policy_name);
// True where a spec of nothing but the name is whole, for so many classes: always, never, and gate, confidence and
// patience, which have thresholds of their own (patience none for numbers).
bool has_own_rule(std::string_view policy_name, int32_t classes = 2);

}  // namespace sooner
