#include "tune/choosing/held_out.h"

#include <array>
#include <map>
#include <numeric>

#include "core/rng.h"

namespace sooner {
namespace {

constexpr uint64_t kSeedOfHalves = 1;

}  // namespace

std::array<LogitTable, 2> halves_of(const LogitTable& table) {
  std::vector<int64_t> order(static_cast<size_t>(table.samples));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(kSeedOfHalves);
  shuffle(std::span(order), rng);
  const size_t middle = order.size() / 2;
  const auto samples = std::span<const int64_t>(order);
  return {of_samples(table, samples.first(middle)), of_samples(table, samples.subspan(middle))};
}

std::vector<double> held_out_quality(const std::array<LogitTable, 2>& halves, const std::string& policy_name,
                                     const OperatingPointOptions& options, std::span<const OperatingPoint> points) {
  std::vector<double> quality;
  if (halves[0].samples == 0) {
    for (const OperatingPoint& point : points) quality.push_back(point.quality);
    return quality;
  }
  OperatingPointOptions every_way = options;
  every_way.equal_choices = true;
  std::map<int32_t, double> sums;
  for (const size_t chooser : {0U, 1U}) {
    const LogitTable& other = halves[1 - chooser];
    for (const OperatingPoint& point : operating_points(halves[chooser], policy_name, every_way)) {
      const Replay result = replay(other, *make_policy(point.spec, policy_context(other)));
      sums[point.way] += result.quality * static_cast<double>(other.samples);
    }
  }
  const auto samples = static_cast<double>(halves[0].samples + halves[1].samples);
  for (const OperatingPoint& point : points) quality.push_back(sums.at(point.way) / samples);
  return quality;
}

}  // namespace sooner
