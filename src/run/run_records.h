// Keeps a run's records of its epochs as it goes: metrics.jsonl, and the same for TensorBoard in tb/.
#pragma once

#include <filesystem>

#include "run/epoch_record.h"
#include "run/event_file.h"
#include "run/run_folder.h"

namespace sooner {

class RunRecords {
 public:
  // Drops what metrics.jsonl says beyond `epochs_done` (an epoch whose checkpoint was not written any more).
  RunRecords(const RunFolder& folder, size_t epochs_done);
  void add(const EpochRecord& record);

 private:
  std::filesystem::path metrics_;
  EventFile events_;
};

}  // namespace sooner
