// Runs a model on real samples and sums up what happened: what was answered, where samples left, what they cost.
//
// Axis letters: K exits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/batch_loader.h"
#include "data/image_source.h"
#include "runtime/session.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct Evaluation {
  int64_t samples = 0;
  double quality = 0;                   // mean, as core/quantity.h says
  double mean_macs = 0;                 // executed, counted by the runtime for each sample
  double cost_fraction = 0;             // mean_macs over the plain network's
  double abstained = 0;                 // fraction answered "do not know"; quality counts their answers too
  double answered_quality = 0;          // of the others; NaN when there are none
  std::vector<double> shares;           // [K]
  std::vector<double> leavers_quality;  // [K], of the samples that left there; NaN when none did
  std::vector<double> class_accuracy;   // [classes], none in a regression; NaN for an absent class
  std::vector<double> class_cost;       // [classes], mean fraction
  std::vector<Result> results;          // [samples]
  std::vector<double> qualities;        // [samples]
  std::vector<int64_t> macs;            // [samples]
};

// What an answer to sample `index` of the batch is worth: 1 or 0 for a class, minus the absolute error for a number.
double quality_of(const Result& result, const Batch& samples, size_t index);

// Answers every sample with real exits. Throws what make_policy and Session::run throw.
Evaluation evaluate(const std::shared_ptr<const Model>& model, const PolicySpec& policy, const Batch& samples,
                    const SessionOptions& session_options = {});

struct EvaluationWithTable {
  Evaluation evaluation;
  LogitTable table;
};

// The same with every exit's logits, from one computation: samples that would leave are answered and go on. Under a
// policy that looks at the clock there are two, for a table's work would be time that real exits do not take.
EvaluationWithTable evaluate_with_table(const std::shared_ptr<const Model>& model, const PolicySpec& policy,
                                        const Batch& samples, const SessionOptions& session_options = {});

// The same from a table, with nothing computed: what the policy would do, and what it would cost. `plain_macs`: of the
// plain network. Throws what make_policy and replay throw.
Evaluation evaluate(const LogitTable& table, const PolicySpec& policy, double plain_macs);

// Does the difficulty a sample was drawn with foretell that it goes past exit 0? AUROC; nothing where the set knows no
// difficulty, or all or none leave at exit 0.
std::optional<double> difficulty_auroc(const Evaluation& evaluation, const ImageSource& source, const Batch& samples);

}  // namespace sooner
