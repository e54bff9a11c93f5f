// Logit tables as files: a safetensors file with "logits" F32 [N, K, C], "gates" F32 [N, K-1] (left out where K is 1)
// and "labels" I32 [N], or "targets" F32 [N] where C is 1; where they come from stands in the metadata, one text each
// ("sooner.split", …). The trainer leaves one in every run folder, without the members that name a model and an engine.
// Costs are not stored: they are the model's. docs/model_format.md describes it.
#pragma once

#include <filesystem>
#include <string>

#include "policy/origin.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct StoredTable {
  LogitTable table = {};
  Origin origin = {};
};

// Maps the file: logits are read from disk when they are first looked at. The table has no costs yet; what it holds
// is checked by validate once it has. Throws what map_file throws, kDataLoss for a file that is cut short, damaged or
// holds other tensors, naming the tensor.
StoredTable read_logit_table(const std::filesystem::path& path);

// Atomic. Throws what write_file_atomically throws. REQUIRES: arrays of the sizes that validate asks for.
void write_logit_table(const StoredTable& stored, const std::filesystem::path& path);

// Throws kFailedPrecondition unless the table is of the model with this hash, saying how to record one that is.
void check_table_of(const Origin& origin, const std::string& model_hash, const std::filesystem::path& path);

}  // namespace sooner
