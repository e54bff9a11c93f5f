// Runs a model on real samples and sums up what happened.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/batch_loader.h"
#include "data/image_source.h"
#include "runtime/model.h"
#include "runtime/session.h"
#include "tune/logit_table.h"

namespace sooner {

struct Evaluation {
  int64_t samples = 0;
  double accuracy = 0;
  double mean_macs = 0;                  // executed, counted by the engine as primitives ran
  double cost_fraction = 0;              // mean_macs over the plain network's
  double abstained = 0;                  // fraction answered "do not know"; accuracy counts their labels too
  double answered_accuracy = 0;          // of the others; NaN when there are none
  std::vector<double> shares;            // [K]
  std::vector<double> leavers_accuracy;  // [K], of the samples that left there; NaN when none did
  std::vector<double> class_accuracy;    // [classes]; NaN for an absent class
  std::vector<double> class_cost;        // [classes], mean fraction
  std::vector<Result> results;           // [samples]
  std::vector<int64_t> macs;             // [samples]
};

// Answers every sample with real exits. `file` is compiled for this with a counting backend.
Evaluation evaluate(const ModelFile& file, const ModelOptions& options, const PolicySpec& policy, const Batch& samples,
                    const SessionOptions& session_options = {});

// Does the difficulty a sample was drawn with foretell that it goes past exit 0? AUROC; nothing where the set knows no
// difficulty, or all or none leave at exit 0.
std::optional<double> difficulty_auroc(const Evaluation& evaluation, const ImageSource& source, const Batch& samples);

// Every exit's logits; nobody leaves.
LogitTable logit_table(const std::shared_ptr<const Model>& model, const Batch& samples);

}  // namespace sooner
