// From a model to its table of logits: what every exit says about every sample, which thresholds are chosen on.
//
// Nobody leaves. What a table stored in a file lacks, costs, is the model's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/batch_loader.h"
#include "measure/model_data.h"
#include "policy/exit_policy.h"
#include "runtime/model.h"
#include "runtime/result.h"
#include "tune/tables/logit_table_file.h"

namespace sooner {

// Every exit's logits; nobody leaves.
LogitTable logit_table(const std::shared_ptr<const Model>& model, const Batch& samples);
struct AnsweredTable {
  LogitTable table;
  std::vector<Result> results;  // [samples], what a session with real exits answers; none under one that reads a clock
};
// The same, with a policy asked on the way.
AnsweredTable answered_logit_table(const std::shared_ptr<const Model>& model,
                                   const std::shared_ptr<const ExitPolicy>& policy, const Batch& samples);
// Where a table of a split of the model's data comes from.
Origin origin_of(const Model& model, const ModelData& data, const Split& split);
// Of samples of a split of the model's data, with their origin.
StoredTable record_table(const std::shared_ptr<const Model>& model, const ModelData& data, const Split& split,
                         const Batch& samples);
// The same of the whole split, or of so many samples from its beginning. Throws what load_all throws.
StoredTable record_table(const std::shared_ptr<const Model>& model, const ModelData& data, const Split& split,
                         int64_t limit = -1);
// A table that was recorded for this model, with the model's costs. Throws what read_logit_table, check_table_of and
// validate throw.
StoredTable load_table(const std::filesystem::path& path, const ModelFile& file);

// As if every sample ran alone: stage k and its head take stage_seconds[k]. Throws kInvalidArgument unless there are K,
// none negative.
void set_times(LogitTable& table, const std::vector<double>& stage_seconds);

}  // namespace sooner
