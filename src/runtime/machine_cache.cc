#include "runtime/machine_cache.h"

#include <cstdlib>
#include <sstream>

#include <fmt/ranges.h>

#include "core/cpu.h"
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

namespace sooner {
namespace {

// Of what is measured and how; another number makes old files useless.
constexpr int kVersion = 2;

std::string key_of(const Model& model) {
  return hash_hex(hash_bytes(fmt::format("{} {} {} {} {} {} {} {}", kVersion, model.rows_hash(), model.backend_name(),
                                         model.instruction_set(), to_string(model.precision()), model.batch_max(),
                                         cpu_name(), to_string(cpu_features()))));
}

// Nothing unless the file holds `count` numbers, each of 1 to `most`.
std::vector<int32_t> read_numbers(const std::filesystem::path& path, size_t count, int32_t most) {
  std::string text;
  try {
    text = read_text(path, 1U << 16U);
  } catch (const Error&) {
    return {};
  }
  std::istringstream in(text);
  std::vector<int32_t> numbers;
  for (int32_t value = 0; in >> value;) {
    if (value < 1 || value > most) return {};
    numbers.push_back(value);
  }
  if (!in.eof() || numbers.size() != count) return {};
  return numbers;
}

}  // namespace

std::filesystem::path default_cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto own = variable("SOONER_CACHE"); !own.empty()) return own;
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "sooner";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "sooner";
  return std::filesystem::temp_directory_path() / "sooner";
}

std::vector<int32_t> measured_once(const std::filesystem::path& folder, std::string_view name, const Model& model,
                                   size_t count, int32_t most, const std::function<std::vector<int32_t>()>& measure) {
  const std::filesystem::path path = folder / fmt::format("{}-{}.txt", name, key_of(model));
  std::vector<int32_t> numbers = read_numbers(path, count, most);
  if (!numbers.empty()) return numbers;
  numbers = measure();
  try {
    make_folder(folder);
    write_file_atomically(path, fmt::format("{}\n", fmt::join(numbers, " ")));
  } catch (const Error&) {
    return numbers;  // measured again next time
  }
  return numbers;
}

}  // namespace sooner
