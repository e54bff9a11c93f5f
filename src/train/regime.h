// How exits are trained: what a step minimises, which parts learn, in which phases. One loop (trainer.h) serves all;
// one file is one regime, and regime_registry.cc lists them.
//
// Axis letters: N batch, C classes, K exits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "policy/cost_weights.h"
#include "train/exit_metrics.h"
#include "train/regime_settings.h"
#include "train/targets.h"

namespace at {
class Tensor;
}

namespace sooner {

struct ExitOutputs;
struct Loss;

// A stretch of epochs trained in one way.
struct Phase {
  std::string name;  // "joint"
  int64_t epochs = 0;
  // [K], which trunks of stages, and which heads with their gates, learn; empty: all. The others keep their weights,
  // and their normalisation its statistics. A step computes the exits whose heads learn and leaves the others out.
  std::vector<bool> trunks = {}, heads = {};
  // No gradient flows from a stage into the one before.
  bool detached = false;
  // The learning rate's schedule begins anew and ends with this phase; else phases share one.
  bool own_schedule = false;
  // Gates decide already: what their rule gives is measured.
  bool gated = false;
  // Its epochs may be the best one. True for the last phase at least.
  bool selects = true;

  [[nodiscard]] bool computes(size_t exit_index) const { return heads.empty() || heads[exit_index]; }
};

// Where a step stands.
struct Moment {
  size_t phase = 0;     // index
  int64_t epoch = 0;    // within the phase, from 0
  double progress = 0;  // share of the phase's steps done, [0, 1)
  int64_t step = 0;     // of the whole run, from 0
};

struct RegimeContext {
  const Graph& graph;
  std::vector<double> exit_cost;  // [K], C_k
  int64_t epochs = 1;             // of all phases
  bool started = false;           // the backbone comes trained
  Targets targets = {};
  uint64_t seed = 1;
  const RegimeSettings& settings;
};

class Regime {
 public:
  virtual ~Regime() = default;

  // Their epochs add up to the context's.
  [[nodiscard]] virtual std::vector<Phase> phases() const = 0;
  // labels [N], as losses.h has them.
  [[nodiscard]] virtual Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) = 0;

  // What it adapts while training, for checkpoints.
  [[nodiscard]] virtual std::vector<double> state() const { return {}; }
  virtual void restore(std::span<const double> state) { static_cast<void>(state); }

  // Whether it wants to see the validation split several times an epoch, in this phase; and what it then sees.
  [[nodiscard]] virtual bool steers(const Moment& at) const {
    static_cast<void>(at);
    return false;
  }
  virtual void steer(const ExitMetrics& validation) { static_cast<void>(validation); }
  // Of "best": larger is better.
  [[nodiscard]] virtual double score(const ExitMetrics& validation) const { return selection_score(validation); }
  // What to be warned of at the end, of the weights that the model file gets; "": nothing.
  [[nodiscard]] virtual std::string remark(const ExitMetrics& validation) const {
    static_cast<void>(validation);
    return "";
  }
  // False: the model file gets the plain network.
  [[nodiscard]] virtual bool keeps_heads() const { return true; }
  // The present weight of the cost, where there is one.
  [[nodiscard]] virtual std::optional<double> cost_weight() const { return std::nullopt; }
};

// What joint phases share: "joint.weights".
void declare_joint_weights(RegimeOptions& options);

// The range of cost weights that gates learn at once, without shifts; nothing where they learn a single one.
std::optional<CostWeights> trained_cost_weights(const RegimeSettings& settings);

struct RegimeKind {
  std::string_view name;
  std::string_view summary;  // a few words
  bool exits = true;         // needs early exits; false: has none
  bool gates = false;        // needs a gate at each
  bool cascade = false;      // heads also read the exit before
  bool numbers = true;       // trains networks that answer with a number, too
  void (*declare)(RegimeOptions& options) = nullptr;
  // Throws kInvalidArgument for settings that do not fit the network.
  std::unique_ptr<Regime> (*make)(const RegimeContext& context) = nullptr;
};

// All, in the order shown to people.
std::span<const RegimeKind> regime_kinds();
// Throws kInvalidArgument naming the nearest.
const RegimeKind& regime_kind(std::string_view name);
std::vector<std::string> regime_names();

}  // namespace sooner
