#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/error.h"
#include "core/hash.h"
#include "core/rng.h"
#include "data/stratify.h"

namespace sooner {
namespace {

void check_share(std::string_view name, double share, double largest) {
  if (share >= 0 && share <= largest) return;  // false for NaN
  fail(Code::kInvalidArgument, "[split] got {} = {}, expected a share of the training images between 0 and {}", name,
       share, largest);
}

Split finish(const DataSet& data, std::string_view name, std::vector<int64_t> indices) {
  std::sort(indices.begin(), indices.end());
  Hasher hasher;
  hasher.add(fmt::format("{} {}\n", data.hash, name));
  for (const int64_t index : indices) {
    std::array<std::byte, 8> bytes{};  // little-endian on every machine
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(static_cast<uint64_t>(index) >> (8 * i));
    hasher.add(bytes);
  }
  return {std::string(name), std::move(indices), hash_hex(hasher.value())};
}

// The first of a class's shuffled training images, fewer the higher its label.
std::span<const int64_t> kept(std::span<const int64_t> all, size_t label, size_t classes, double imbalance) {
  if (imbalance == 1 || classes < 2) return all;
  const double at = static_cast<double>(label) / static_cast<double>(classes - 1);
  const double count = static_cast<double>(all.size()) * std::pow(imbalance, -at);
  return all.first(std::max<size_t>(1, static_cast<size_t>(std::lround(count))));
}

void append(std::vector<int64_t>& to, std::span<const int64_t> from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

const Split& Splits::by_name(std::string_view name) const {
  for (const Split* one : {&train, &validation, &tune, &guarantee, &test}) {
    if (one->name == name) return *one;
  }
  fail(Code::kInvalidArgument, "[split] got split '{}', expected one of train, validation, tune, guarantee, test",
       name);
}

Splits make_splits(const DataSet& data, const SplitOptions& options) {
  check_share("validation", options.validation, 0.5);
  check_share("calibration", options.calibration, 0.95);
  if (!(options.imbalance >= 1) || !std::isfinite(options.imbalance)) {
    fail(Code::kInvalidArgument, "[split] got imbalance = {}, expected 1 (none) or more", options.imbalance);
  }

  std::vector<int64_t> train, validation, tune, guarantee;
  bool tune_is_larger = true;  // takes turns, so that odd counts leave both halves alike
  const auto by_class = shuffled_by_class(*data.train, data.classes(), options.seed);
  for (size_t label = 0; label < by_class.size(); ++label) {
    const std::span<const int64_t> all = by_class[label];
    if (all.empty()) continue;
    const auto count = static_cast<double>(all.size());
    auto held = static_cast<size_t>(std::lround(options.validation * count));
    auto calibrated = static_cast<size_t>(std::lround(options.calibration * count));
    if (options.validation > 0) held = std::max<size_t>(held, 1);
    if (options.calibration > 0) calibrated = std::max<size_t>(calibrated, 2);
    if (held + calibrated >= all.size()) {
      fail(Code::kInvalidArgument,
           "[split] class '{}' of {} has {} training images, too few for shares {} and {}; add images or lower the "
           "shares",
           data.class_names[label], data.name, all.size(), options.validation, options.calibration);
    }
    size_t half = calibrated / 2;
    if (calibrated % 2 == 1) {
      half += tune_is_larger ? 1 : 0;
      tune_is_larger = !tune_is_larger;
    }
    append(validation, all.first(held));
    append(tune, all.subspan(held, half));
    append(guarantee, all.subspan(held + half, calibrated - half));
    append(train, kept(all.subspan(held + calibrated), label, by_class.size(), options.imbalance));
  }

  std::vector<int64_t> test(static_cast<size_t>(data.test->size()));
  std::iota(test.begin(), test.end(), int64_t{0});
  return {finish(data, "train", std::move(train)), finish(data, "validation", std::move(validation)),
          finish(data, "tune", std::move(tune)), finish(data, "guarantee", std::move(guarantee)),
          finish(data, "test", std::move(test))};
}

}  // namespace sooner
