// What `sooner drift --state` keeps between looks, as a JSON file: how far the log was read, and what the watch knows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "eval/drift.h"

namespace sooner {

struct DriftStateFile {
  DriftState watch = {};
  // Of the log read last: a log that begins with these bytes is that log, grown.
  size_t log_bytes = 0;
  std::string log_hash = {};  // 16 hex digits
};

// Nothing where there is no such file. Throws kDataLoss for one that is not what write_drift_state writes.
std::optional<DriftStateFile> read_drift_state(const std::string& path);

// Atomically. Throws what write_file_atomically throws.
void write_drift_state(const std::string& path, const DriftStateFile& state);

// What of the log has not been read yet. state: none before the first look.
std::string_view unread(std::string_view log, const std::optional<DriftStateFile>& state);

}  // namespace sooner
