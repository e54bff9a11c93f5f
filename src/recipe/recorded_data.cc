#include "recipe/recorded_data.h"

#include <vector>

#include "core/error.h"
#include "recipe/data_options.h"

namespace sooner {

RecordedData recorded_data(const Provenance& provenance) {
  RecordedData recorded;
  std::vector<Option> options;
  add_data_options(options, recorded.data);
  add_split_options(options, recorded.split);
  try {
    read_known_options(provenance.config_toml, "recorded configuration", options);
  } catch (const Error& error) {
    fail(Code::kDataLoss, "[model] {}", error.what());
  }
  recorded.data.name = provenance.data_set;
  recorded.data.data_dir.clear();
  return recorded;
}

}  // namespace sooner
