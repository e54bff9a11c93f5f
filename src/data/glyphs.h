// The built-in sets: ten stroke-drawn symbols, drawn anew for every index, from easy to hard; and pairs of them, a
// hundred classes.
//
// One number, the difficulty, drives everything that hides a symbol: bending, thin and faint strokes, clutter,
// occlusion, blur, noise. It never changes what the symbol is: clutter and occluders keep away from the points that
// tell it from the others, so every label is right. Sample i depends on (seed, stream, i) alone: populations of any
// size cost no memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "data/image_source.h"

namespace sooner {

// Raised whenever the drawing changes: part of the set's hash.
inline constexpr int kGlyphVersion = 1;

// What sets that the program draws have in common: sample i depends on (set, seed, stream, i) alone.
class DrawnSource : public ImageSource {
 public:
  [[nodiscard]] int64_t size() const final { return size_; }

 protected:
  // `set` keeps the sets' draws apart, `name` is for messages. `stream` tells sources of one seed apart: 0 is the
  // training set, 1 the test set, others are free.
  DrawnSource(std::string_view name, uint64_t set, uint64_t seed, uint64_t stream, int64_t size)
      : name_(name), set_(set), seed_(seed), stream_(stream), size_(size) {}
  // A sample's own draws. Throws kOutOfRange.
  [[nodiscard]] Rng draws(int64_t index) const;

 private:
  std::string_view name_;
  uint64_t set_;
  uint64_t seed_;
  uint64_t stream_;
  int64_t size_;
};

class GlyphSource final : public DrawnSource {
 public:
  GlyphSource(uint64_t seed, uint64_t stream, int64_t size);

  // Uniform over the ten classes, drawn independently for every sample.
  [[nodiscard]] int32_t label(int64_t index) const override;
  void read(int64_t index, std::span<uint8_t> pixels) const override;
  // Most samples are easy: P(difficulty < d) is about the square root of d.
  [[nodiscard]] double difficulty(int64_t index) const override;
};

inline constexpr int kGlyphPairClasses = 100;
inline constexpr int kGlyphPairVersion = 1;

// Two symbols in one picture, smaller: class 10 a + b has symbol a in the upper left and b in the lower right.
class GlyphPairSource final : public DrawnSource {
 public:
  GlyphPairSource(uint64_t seed, uint64_t stream, int64_t size);

  [[nodiscard]] int32_t label(int64_t index) const override;
  void read(int64_t index, std::span<uint8_t> pixels) const override;
  [[nodiscard]] double difficulty(int64_t index) const override;
};

// "ring+horseshoe".
std::vector<std::string> glyph_pair_names();
void draw_glyph_pair(int32_t label, double difficulty, uint64_t key, std::span<uint8_t> pixels);

// [1, 32, 32]
Shape glyph_shape();
std::vector<std::string> glyph_class_names();

// Draws one symbol at a chosen difficulty in [0, 1] into 32x32 bytes; `key` names the drawing's random choices. With
// `degrees` it stands turned by exactly so much, clockwise, and is not sheared: a shear turns strokes too.
void draw_glyph(int32_t label, double difficulty, uint64_t key, std::span<uint8_t> pixels,
                std::optional<double> degrees = {});

}  // namespace sooner
