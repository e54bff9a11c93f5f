// How exits are trained: what a step minimises, which parts learn, in which phases. One loop (trainer.h) serves all;
// one file is one regime, and regime_registry.cc lists them. Their names and options are in recipe/regime_kind.h.
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
#include "recipe/phase_plan.h"
#include "recipe/regime_settings.h"
#include "recipe/targets.h"
#include "run/exit_metrics.h"

namespace at {
class Tensor;
}

namespace sooner {

struct ExitOutputs;
struct Loss;

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
  // labels [N], as losses.h has them. Called once for each label that a step's pictures have (mixing.h).
  [[nodiscard]] virtual Loss loss(const ExitOutputs& outputs, const at::Tensor& labels, const Moment& at) = 0;
  // Called once a step, after that.
  virtual void adapt(const ExitOutputs& outputs) { static_cast<void>(outputs); }

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

// Of the table in recipe/regime_kind.h, by its name there. Throws kInvalidArgument for settings that do not fit the
// network, and for a name that is not in the table.
std::unique_ptr<Regime> make_regime(std::string_view name, const RegimeContext& context);

}  // namespace sooner
