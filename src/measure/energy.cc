#include "measure/energy.h"

#include <fstream>
#include <optional>
#include <string>

namespace sooner {
namespace {

std::optional<uint64_t> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

}  // namespace

EnergyMeter::EnergyMeter(const std::filesystem::path& powercap) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(powercap, error), end; !error && entry != end;
       entry.increment(error)) {
    // "intel-rapl:0" is a package, "intel-rapl:0:1" a part of one.
    const std::string name = entry->path().filename().string();
    if (name.find("-rapl:") == std::string::npos || name.find(':') != name.rfind(':')) continue;
    const auto last = read_number(entry->path() / "energy_uj");
    const auto range = read_number(entry->path() / "max_energy_range_uj");
    if (last && range) packages_.push_back({entry->path() / "energy_uj", *range, *last});
  }
}

double EnergyMeter::used_joules() {
  double joules = 0;
  for (Package& package : packages_) {
    const uint64_t now = read_number(package.counter).value_or(package.last);
    const uint64_t used = now >= package.last ? now - package.last : now + package.range - package.last;
    joules += static_cast<double>(used) * 1e-6;
    package.last = now;
  }
  return joules;
}

}  // namespace sooner
