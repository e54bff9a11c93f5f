// Energy the processor has used, where the kernel lets this process read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace sooner {

// Sums the packages' counters (RAPL, in the kernel's powercap folder). Counters wrap around; call used_joules at least
// every few minutes.
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::filesystem::path& powercap = "/sys/class/powercap");
  // False where there is no counter, or none this process may read.
  [[nodiscard]] bool available() const { return !packages_.empty(); }
  // Joules since the last call, or since construction; 0 when unavailable. Of the whole package: other work included.
  double used_joules();

 private:
  struct Package {
    std::filesystem::path counter;  // microjoules
    uint64_t range = 0;             // the counter wraps around after it
    uint64_t last = 0;
  };
  std::vector<Package> packages_;
};

}  // namespace sooner
