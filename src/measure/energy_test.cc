#include "measure/energy.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

void write_counter(const std::filesystem::path& package, const std::string& microjoules) {
  make_folder(package);
  write_file_atomically(package / "energy_uj", microjoules + "\n");
  write_file_atomically(package / "max_energy_range_uj", "10000000\n");
}

TEST(EnergyMeter, SumsPackagesAndWrapsAround) {
  const TempFolder powercap;
  write_counter(powercap / "intel-rapl:0", "1000000");
  write_counter(powercap / "intel-rapl:1", "9500000");
  write_counter(powercap / "intel-rapl:0:0", "5");  // a part of package 0
  write_counter(powercap / "other", "5");
  EnergyMeter meter(powercap.path());
  ASSERT_TRUE(meter.available());
  write_counter(powercap / "intel-rapl:0", "1250000");  // a quarter of a joule
  write_counter(powercap / "intel-rapl:1", "500000");   // 0.5 to the end of the range, 0.5 beyond
  write_counter(powercap / "intel-rapl:0:0", "9000000");
  EXPECT_DOUBLE_EQ(meter.used_joules(), 1.25);
  EXPECT_EQ(meter.used_joules(), 0);
}

TEST(EnergyMeter, IsNotAvailableWhereNoCounterCanBeRead) {
  const TempFolder powercap;
  EXPECT_FALSE(EnergyMeter(powercap / "none").available());
  make_folder(powercap / "intel-rapl:0");
  EnergyMeter meter(powercap.path());
  EXPECT_FALSE(meter.available());
  EXPECT_EQ(meter.used_joules(), 0);
}

}  // namespace
}  // namespace sooner
