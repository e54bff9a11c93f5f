#include "data/glyphs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/rng.h"
#include "data/glyph_symbols.h"

namespace sooner {
namespace {

constexpr int kSide = 32;
constexpr int kPixels = kSide * kSide;
constexpr float kVeryFar = 1e6F;
using Canvas = std::array<float, kPixels>;

float mix(float easy, float hard, float difficulty) { return easy + (hard - easy) * difficulty; }
float uniform(Rng& rng, float low, float high) { return static_cast<float>(rng.uniform(low, high)); }

// Squared distances from every pixel to the nearest of the strokes added; up to `reach` pixels, larger beyond.
class StrokeDistance {
 public:
  explicit StrokeDistance(float reach) : reach_(reach) { squared_.fill(kVeryFar); }

  void add_segment(GlyphPoint a, GlyphPoint b) {
    const int left = std::max(0, static_cast<int>(std::min(a.x, b.x) - reach_));
    const int right = std::min(kSide - 1, static_cast<int>(std::max(a.x, b.x) + reach_ + 1));
    const int top = std::max(0, static_cast<int>(std::min(a.y, b.y) - reach_));
    const int bottom = std::min(kSide - 1, static_cast<int>(std::max(a.y, b.y) + reach_ + 1));
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float inverse = 1 / std::max(dx * dx + dy * dy, 1e-6F);
    for (int y = top; y <= bottom; ++y) {
      const float py = static_cast<float>(y) - a.y;
      float* row = squared_.data() + y * kSide;
      for (int x = left; x <= right; ++x) {
        const float px = static_cast<float>(x) - a.x;
        float along = (px * dx + py * dy) * inverse;
        along = along < 0 ? 0 : along;
        along = along > 1 ? 1 : along;
        const float ex = px - along * dx, ey = py - along * dy;
        const float squared = ex * ex + ey * ey;
        row[x] = squared < row[x] ? squared : row[x];
      }
    }
  }

  // Blends `ink` over the canvas where a pixel lies within `half_width`, with an edge one pixel soft.
  void paint(Canvas& canvas, float half_width, float ink) const {
    const float outer = (half_width + 0.5F) * (half_width + 0.5F);
    for (size_t i = 0; i < canvas.size(); ++i) {
      if (squared_[i] >= outer) continue;
      const float cover = std::min(1.0F, half_width + 0.5F - std::sqrt(squared_[i]));
      canvas[i] += (ink - canvas[i]) * cover;
    }
  }

 private:
  float reach_;
  Canvas squared_;
};

// From symbol coordinates to pixels: a smooth wobble, then an affine map.
struct Placement {
  float xx, xy, x0, yx, yy, y0;
  float wobble, phase_x, phase_y, wave_x, wave_y;

  [[nodiscard]] GlyphPoint operator()(GlyphPoint p) const {
    const float x = p.x + wobble * std::sin(wave_x * p.y + phase_x);
    const float y = p.y + wobble * std::sin(wave_y * p.x + phase_y);
    return {xx * x + xy * y + x0, yx * x + yy * y + y0};
  }
};

// Where on the canvas a symbol stands: the middle of its field, in pixels, and the field's side over the canvas's.
struct Field {
  float x = (kSide - 1) / 2.0F, y = (kSide - 1) / 2.0F;
  float scale = 1;

  [[nodiscard]] Placement shrink(Placement place) const {
    constexpr float kMiddle = (kSide - 1) / 2.0F;
    for (float* part : {&place.xx, &place.xy, &place.yx, &place.yy}) *part *= scale;
    place.x0 = x + (place.x0 - kMiddle) * scale;
    place.y0 = y + (place.y0 - kMiddle) * scale;
    return place;
  }
};

Placement draw_placement(float difficulty, std::optional<double> degrees, Rng& rng) {
  constexpr float kRadian = std::numbers::pi_v<float> / 180;
  float turn = uniform(rng, -1, 1) * mix(6, 42, difficulty) * kRadian;
  float shear = uniform(rng, -1, 1) * mix(0.03F, 0.38F, difficulty);
  if (degrees) {
    turn = static_cast<float>(*degrees) * kRadian;
    shear = 0;
  }
  const float stretch = std::exp(uniform(rng, -1, 1) * mix(0.03F, 0.22F, difficulty));
  const float size = uniform(rng, mix(10.5F, 7.5F, difficulty), mix(11.5F, 11.0F, difficulty));
  Placement place{};
  place.wobble = uniform(rng, 0.5F, 1) * mix(0.01F, 0.13F, difficulty);
  place.wave_x = uniform(rng, 2, 4);
  place.wave_y = uniform(rng, 2, 4);
  place.phase_x = uniform(rng, 0, 6.2832F);
  place.phase_y = uniform(rng, 0, 6.2832F);
  const float cos = std::cos(turn), sin = std::sin(turn);
  place.xx = size * stretch * cos;
  place.xy = size / stretch * (shear * cos - sin);
  place.yx = size * stretch * sin;
  place.yy = size / stretch * (shear * sin + cos);
  const float room = std::max(0.5F, 14.5F - 0.95F * size * std::max(stretch, 1 / stretch));
  const float shift = std::min(room, mix(1, 4.5F, difficulty));
  place.x0 = (kSide - 1) / 2.0F + uniform(rng, -shift, shift);
  place.y0 = (kSide - 1) / 2.0F + uniform(rng, -shift, shift);
  return place;
}

class Drawing {
 public:
  struct Placed {
    const GlyphSymbol& symbol;
    Field field = {};
  };

  Drawing(std::initializer_list<Placed> symbols, float difficulty, std::optional<double> degrees, Rng& rng)
      : difficulty_(difficulty), rng_(rng) {
    for (const Placed& each : symbols) {
      symbols_.push_back(&each.symbol);
      places_.push_back(each.field.shrink(draw_placement(difficulty, degrees, rng)));
      for (const GlyphPoint& point : each.symbol.key_points) key_points_.push_back(places_.back()(point));
    }
    paper_ = uniform(rng, 0.03F, mix(0.08F, 0.35F, difficulty));
    ink_ = paper_ + uniform(rng, 0.85F, 1) * mix(0.9F, 0.39F, difficulty);
    half_width_ = uniform(rng, mix(1.1F, 0.65F, difficulty), mix(1.4F, 1.35F, difficulty));
  }

  void run(std::span<uint8_t> pixels) {
    lay_paper();
    // Half the clutter lies below the symbol, half above.
    const int clutter = static_cast<int>(7 * difficulty_ + uniform(rng_, 0, 1));
    for (int i = 0; i < clutter / 2; ++i) add_clutter();
    StrokeDistance distance(half_width_ + 0.5F);
    for (size_t s = 0; s < symbols_.size(); ++s) {
      for (const auto& stroke : symbols_[s]->strokes) add_stroke(stroke, places_[s], distance);
    }
    distance.paint(canvas_, half_width_, ink_);
    for (int i = clutter / 2; i < clutter; ++i) add_clutter();
    const int occluders = static_cast<int>(2.4F * difficulty_ + uniform(rng_, 0, 0.6F));
    for (int i = 0; i < occluders; ++i) add_occluder();
    blur(uniform(rng_, 0.7F, 1) * mix(0.02F, 0.24F, difficulty_));
    finish(pixels);
  }

 private:
  static void add_stroke(const std::vector<GlyphPoint>& stroke, const Placement& place, StrokeDistance& distance) {
    GlyphPoint last = place(stroke.front());
    for (size_t i = 1; i < stroke.size(); ++i) {
      const GlyphPoint here = place(stroke[i]);
      distance.add_segment(last, here);
      last = here;
    }
  }

  void lay_paper() {
    const float slope = mix(0, 0.012F, difficulty_);
    const float across = uniform(rng_, -slope, slope), down = uniform(rng_, -slope, slope);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        canvas_[static_cast<size_t>(y * kSide + x)] =
            paper_ + across * (static_cast<float>(x) - 15.5F) + down * (static_cast<float>(y) - 15.5F);
      }
    }
  }

  // Whether a disc keeps clear of everything that tells the symbol from the others.
  [[nodiscard]] bool is_clear(GlyphPoint centre, float radius) const {
    return std::none_of(key_points_.begin(), key_points_.end(), [&](const GlyphPoint& key) {
      return std::hypot(key.x - centre.x, key.y - centre.y) < radius + half_width_ + 1.2F;
    });
  }

  // A short bent stroke, a little fainter than the symbol.
  void add_clutter() {
    for (int attempt = 0; attempt < 6; ++attempt) {
      const float length = uniform(rng_, 2.5F, 6), angle = uniform(rng_, 0, 6.2832F), bend = uniform(rng_, -1.2F, 1.2F);
      const GlyphPoint middle{uniform(rng_, 0, 31), uniform(rng_, 0, 31)};
      if (!is_clear(middle, length / 2 + half_width_)) continue;
      const float half = length / 2;
      const GlyphPoint a{middle.x - half * std::cos(angle - bend), middle.y - half * std::sin(angle - bend)};
      const GlyphPoint b{middle.x + half * std::cos(angle + bend), middle.y + half * std::sin(angle + bend)};
      const float width = half_width_ * uniform(rng_, 0.7F, 1);
      StrokeDistance distance(width + 0.5F);
      distance.add_segment(a, middle);
      distance.add_segment(middle, b);
      distance.paint(canvas_, width, mix(paper_, ink_, uniform(rng_, 0.6F, 0.95F)));
      return;
    }
  }

  // A disc of paper or of something in between.
  void add_occluder() {
    for (int attempt = 0; attempt < 6; ++attempt) {
      const float radius = uniform(rng_, 1.5F, 3.5F);
      const GlyphPoint centre{uniform(rng_, 3, 28), uniform(rng_, 3, 28)};
      if (!is_clear(centre, radius)) continue;
      StrokeDistance distance(radius + 0.5F);
      distance.add_segment(centre, centre);
      distance.paint(canvas_, radius, mix(paper_, ink_, uniform(rng_, 0, 0.6F)));
      return;
    }
  }

  // Each pixel takes `share` of each neighbour, across and then down; edges repeat.
  void blur(float share) {
    Canvas across;
    const float own = 1 - 2 * share;
    for (int y = 0; y < kSide; ++y) {
      const float* row = canvas_.data() + y * kSide;
      float* out = across.data() + y * kSide;
      out[0] = (own + share) * row[0] + share * row[1];
      for (int x = 1; x < kSide - 1; ++x) out[x] = own * row[x] + share * (row[x - 1] + row[x + 1]);
      out[kSide - 1] = (own + share) * row[kSide - 1] + share * row[kSide - 2];
    }
    for (int y = 0; y < kSide; ++y) {
      const float* above = across.data() + std::max(0, y - 1) * kSide;
      const float* here = across.data() + y * kSide;
      const float* below = across.data() + std::min(kSide - 1, y + 1) * kSide;
      float* out = canvas_.data() + y * kSide;
      for (int x = 0; x < kSide; ++x) out[x] = own * here[x] + share * (above[x] + below[x]);
    }
  }

  // Noise and rounding. The noise is the sum of four uniform 16-bit numbers, near enough to normal and quick.
  void finish(std::span<uint8_t> pixels) {
    const float sigma = uniform(rng_, 0.8F, 1.1F) * mix(0.012F, 0.118F, difficulty_);
    const float scale = sigma * std::sqrt(3.0F) / 65536;  // four uniforms on [0, 65536): variance 65536^2 / 3
    for (size_t i = 0; i < canvas_.size(); ++i) {
      const uint64_t bits = rng_.next();
      const auto sum =
          static_cast<int32_t>((bits & 0xffffU) + (bits >> 16U & 0xffffU) + (bits >> 32U & 0xffffU) + (bits >> 48U));
      const float value = canvas_[i] + static_cast<float>(sum - 131070) * scale;
      pixels[i] = static_cast<uint8_t>(std::clamp(value, 0.0F, 1.0F) * 255 + 0.5F);
    }
  }

  std::vector<const GlyphSymbol*> symbols_;
  std::vector<Placement> places_;  // of each
  float difficulty_;
  Rng& rng_;
  std::vector<GlyphPoint> key_points_;
  Canvas canvas_;
  float paper_ = 0, ink_ = 0, half_width_ = 0;
};

constexpr uint64_t kGlyphStream = 0x91f;
constexpr uint64_t kPairStream = 0x2a125;

}  // namespace

Shape glyph_shape() { return {1, kSide, kSide}; }

std::vector<std::string> glyph_class_names() {
  std::vector<std::string> names;
  for (const GlyphSymbol& symbol : glyph_symbols()) names.emplace_back(symbol.name);
  return names;
}

void draw_glyph(int32_t label, double difficulty, uint64_t key, std::span<uint8_t> pixels,
                std::optional<double> degrees) {
  if (label < 0 || label >= kGlyphClasses || !(difficulty >= 0 && difficulty <= 1) || pixels.size() != kPixels) {
    fail(Code::kInvalidArgument, "[glyphs] got label {}, difficulty {} and {} bytes, expected 0 to {}, 0 to 1 and {}",
         label, difficulty, pixels.size(), kGlyphClasses - 1, kPixels);
  }
  Rng rng(key);
  Drawing({{glyph_symbols()[static_cast<size_t>(label)]}}, static_cast<float>(difficulty), degrees, rng).run(pixels);
}

void draw_glyph_pair(int32_t label, double difficulty, uint64_t key, std::span<uint8_t> pixels) {
  if (label < 0 || label >= kGlyphPairClasses || !(difficulty >= 0 && difficulty <= 1) || pixels.size() != kPixels) {
    fail(Code::kInvalidArgument,
         "[glyph-pairs] got label {}, difficulty {} and {} bytes, expected 0 to {}, 0 to 1 and {}", label, difficulty,
         pixels.size(), kGlyphPairClasses - 1, kPixels);
  }
  // Upper left and lower right: at its largest a symbol just fills its field.
  constexpr float kNear = 8.75F, kFar = kSide - 1 - kNear, kScale = 0.62F;
  const auto symbols = glyph_symbols();
  Rng rng(key);
  Drawing({{symbols[static_cast<size_t>(label / kGlyphClasses)], {kNear, kNear, kScale}},
           {symbols[static_cast<size_t>(label % kGlyphClasses)], {kFar, kFar, kScale}}},
          static_cast<float>(difficulty), std::nullopt, rng)
      .run(pixels);
}

namespace {

// The first draws of a sample's stream.
struct Recipe {
  int32_t label;
  double difficulty;
  uint64_t key;
};

Recipe recipe(Rng rng, int32_t classes = kGlyphClasses) {
  const auto label = static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes)));
  const double u = rng.uniform();
  return {label, u * u, rng.next()};
}

}  // namespace

Rng DrawnSource::draws(int64_t index) const {
  if (index < 0 || index >= size_) {
    fail(Code::kOutOfRange, "[{}] got sample {}, expected 0 to {}", name_, index, size_ - 1);
  }
  return Rng{set_, seed_, stream_, static_cast<uint64_t>(index)};
}

GlyphSource::GlyphSource(uint64_t seed, uint64_t stream, int64_t size)
    : DrawnSource("glyphs", kGlyphStream, seed, stream, size) {}

int32_t GlyphSource::label(int64_t index) const { return recipe(draws(index)).label; }

double GlyphSource::difficulty(int64_t index) const { return recipe(draws(index)).difficulty; }

void GlyphSource::read(int64_t index, std::span<uint8_t> pixels) const {
  const Recipe sample = recipe(draws(index));
  draw_glyph(sample.label, sample.difficulty, sample.key, pixels);
}

GlyphPairSource::GlyphPairSource(uint64_t seed, uint64_t stream, int64_t size)
    : DrawnSource("glyph-pairs", kPairStream, seed, stream, size) {}

int32_t GlyphPairSource::label(int64_t index) const { return recipe(draws(index), kGlyphPairClasses).label; }

double GlyphPairSource::difficulty(int64_t index) const { return recipe(draws(index), kGlyphPairClasses).difficulty; }

void GlyphPairSource::read(int64_t index, std::span<uint8_t> pixels) const {
  const Recipe sample = recipe(draws(index), kGlyphPairClasses);
  draw_glyph_pair(sample.label, sample.difficulty, sample.key, pixels);
}

std::vector<std::string> glyph_pair_names() {
  std::vector<std::string> names;
  for (const GlyphSymbol& first : glyph_symbols()) {
    for (const GlyphSymbol& second : glyph_symbols()) names.push_back(fmt::format("{}+{}", first.name, second.name));
  }
  return names;
}

}  // namespace sooner
