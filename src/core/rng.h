// Seeded random numbers that are the same on every machine and compiler (the standard library's
// distributions are not). One small generator; streams are told apart by mixing keys into the seed,
// so a sample's draws do not depend on which thread draws them or in which order.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace sooner {

// splitmix64's finaliser: a bijection on 64 bits that mixes well (Steele et al., 2014).
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

// Not thread-safe; make one per thread or per sample (it is 8 bytes).
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(mix64(seed)) {}
  // A stream named by several keys, for example {seed, epoch, sample}.
  Rng(std::initializer_list<uint64_t> keys) : state_(0x5bd1e995U) {
    for (const uint64_t key : keys) state_ = mix64(state_ ^ mix64(key));
  }

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    return mix64(state_);
  }
  // [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // [0, n). Unbiased (rejection). REQUIRES: n > 0; throws kInternal otherwise.
  uint64_t below(uint64_t n);
  bool chance(double probability) { return uniform() < probability; }
  // Mean 0, variance 1 (Box-Muller, one draw per call).
  double normal();

  [[nodiscard]] uint64_t state() const { return state_; }
  void set_state(uint64_t state) { state_ = state; }

 private:
  uint64_t state_;
};

// Fisher-Yates.
template <typename T>
void shuffle(std::span<T> values, Rng& rng) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

}  // namespace sooner
