// Trained networks held side by side: what each gives within shares of its plain backbone's cost. Everything is
// replayed from logits; thresholds are chosen on the tune split, and of several choices within a budget that one is
// taken whose kind does best on halves of tune that did not choose (held_out.h): by what a choice shows on its own
// samples the freest kind would always win, and lose again elsewhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/accuracy_cost_curve.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct BudgetPoint {
  double budget = 0;                // what was allowed, a fraction of the plain backbone's MACs
  PolicySpec policy;                // the one that promised most; "always" where that is one exit for everybody
  double accuracy = 0;              // on the split reported on
  double cost = 0;                  // there, too
  std::vector<double> shares = {};  // [K]
};

// Gates with their rule g >= 0.5 untouched, and their rival.
struct GateResult {
  BudgetPoint point = {};  // under no budget
  // The accuracy of tuned max-prob thresholds, after temperature scaling, at the gates' cost: between two of the
  // operating points that no other beats on `tune`, on a straight line; nothing where they do not reach down to it.
  std::optional<double> rival = {};
};

struct NetworkResult {
  std::vector<std::optional<BudgetPoint>> budgets = {};  // one a budget; nothing where even the first exit costs more
  std::optional<GateResult> gates = {};                  // where there are some
  std::vector<GateResult> gates_by_weight = {};          // over the range of cost weights that they were trained for
  std::vector<double> exit_accuracy = {};                // [K], answering everything
  std::vector<double> exit_cost = {};                    // [K], C_k
  std::vector<CurvePoint> curve = {};                    // of all policies and single exits, cheapest first
};

// `policies`: those with thresholds that may be chosen; `gate` and `confidence` are left out where there are no gates.
// Throws kInvalidArgument for a policy without thresholds, a budget that is not positive, tables of two models.
NetworkResult compare_within_budgets(const LogitTable& tune, const LogitTable& test,
                                     const std::vector<std::string>& policies, const std::vector<double>& budgets);

}  // namespace sooner
