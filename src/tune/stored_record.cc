#include "tune/stored_record.h"

#include <utility>

namespace sooner {

void set_origin(CalibrationRecord& record, const TableOrigin& origin) {
  record.data_set = origin.data_set;
  record.split_hash = origin.split_hash;
  record.precision = origin.precision;
  record.backend = origin.backend;
  record.instruction_set = origin.instruction_set;
}

void store_record(CalibrationRecord record, std::vector<CalibrationRecord>& records) {
  std::erase_if(records, [&](const CalibrationRecord& old) {
    return chosen_alike(old, record) && old.precision == record.precision;
  });
  records.push_back(std::move(record));
}

}  // namespace sooner
