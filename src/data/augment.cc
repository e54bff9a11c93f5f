#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/error.h"
#include "core/rng.h"

namespace sooner {
namespace {

constexpr uint64_t kAugmentStream = 0xa0694;
constexpr uint64_t kFirstFlipStream = 0xf11b;
constexpr uint64_t kCutoutStream = 0xc0707;

struct Size {
  int32_t channels, height, width;
};

// [C, H, W] as rows, whichever channel they belong to.
void flip_rows(std::span<uint8_t> pixels, const Size& size) {
  const auto width = static_cast<size_t>(size.width);
  for (size_t at = 0; at < pixels.size(); at += width) {
    const auto row = pixels.subspan(at, width);
    std::reverse(row.begin(), row.end());
  }
}

// Content moves right by dx and down by dy; black comes in.
void move(std::span<uint8_t> pixels, std::span<uint8_t> work, const Size& size, int32_t dx, int32_t dy) {
  std::copy(pixels.begin(), pixels.end(), work.begin());
  std::fill(pixels.begin(), pixels.end(), uint8_t{0});
  const int32_t columns = size.width - std::abs(dx);
  if (columns <= 0) return;
  const int32_t from_x = std::max(0, -dx);
  const int32_t to_x = std::max(0, dx);
  for (int32_t c = 0; c < size.channels; ++c) {
    for (int32_t y = std::max(0, dy); y < std::min(size.height, size.height + dy); ++y) {
      const auto from = work.begin() + (c * size.height + y - dy) * size.width + from_x;
      std::copy_n(from, columns, pixels.begin() + (c * size.height + y) * size.width + to_x);
    }
  }
}

// From an output pixel to the place in the input it is taken from, in 1/65536 pixels.
struct InverseMap {
  int64_t xx, xy, x0;
  int64_t yx, yy, y0;
};

InverseMap draw_map(const Size& size, const AugmentOptions& options, Rng& rng) {
  const double angle = rng.uniform(-1, 1) * options.rotate_degrees * std::numbers::pi / 180;
  const double scale = 1 + rng.uniform(-1, 1) * options.scale;
  const double shear = rng.uniform(-1, 1) * options.shear;
  const double shift_x = rng.uniform(-1, 1) * options.translate * size.width;
  const double shift_y = rng.uniform(-1, 1) * options.translate * size.height;
  // Forward, about the centre: p -> scale * rotation * (1 shear; 0 1) * p + shift. Inverted by hand.
  const double cos = std::cos(angle) / scale;
  const double sin = std::sin(angle) / scale;
  const double xx = cos + shear * sin, xy = sin - shear * cos;
  const double yx = -sin, yy = cos;
  const double centre_x = (size.width - 1) / 2.0, centre_y = (size.height - 1) / 2.0;
  const double from_x = centre_x + shift_x, from_y = centre_y + shift_y;
  const auto fixed = [](double value) { return std::llround(value * 65536); };
  return {fixed(xx), fixed(xy), fixed(centre_x - xx * from_x - xy * from_y),
          fixed(yx), fixed(yy), fixed(centre_y - yx * from_x - yy * from_y)};
}

void warp(std::span<uint8_t> pixels, std::span<uint8_t> work, const Size& size, const InverseMap& map) {
  std::copy(pixels.begin(), pixels.end(), work.begin());
  const int64_t plane = int64_t{size.height} * size.width;
  const auto at = [&](int64_t base, int64_t y, int64_t x) -> int64_t {
    const bool inside = x >= 0 && y >= 0 && x < size.width && y < size.height;
    return inside ? work[static_cast<size_t>(base + y * size.width + x)] : 0;
  };
  for (int32_t y = 0; y < size.height; ++y) {
    for (int32_t x = 0; x < size.width; ++x) {
      // 128: rounds to the 1/256 used below.
      const int64_t sx = map.xx * x + map.xy * y + map.x0 + 128;
      const int64_t sy = map.yx * x + map.yy * y + map.y0 + 128;
      const int64_t left = sx >> 16, top = sy >> 16;
      const int64_t right_part = (sx & 0xffff) >> 8, lower_part = (sy & 0xffff) >> 8;  // of 256
      const bool inner = left >= 0 && top >= 0 && left + 1 < size.width && top + 1 < size.height;
      for (int32_t c = 0; c < size.channels; ++c) {
        const int64_t base = c * plane;
        int64_t a = 0, b = 0, d = 0, e = 0;
        if (inner) {
          const uint8_t* corner = work.data() + base + top * size.width + left;
          a = corner[0], b = corner[1], d = corner[size.width], e = corner[size.width + 1];
        } else {
          a = at(base, top, left), b = at(base, top, left + 1);
          d = at(base, top + 1, left), e = at(base, top + 1, left + 1);
        }
        const int64_t upper = a * (256 - right_part) + b * right_part;
        const int64_t lower = d * (256 - right_part) + e * right_part;
        const int64_t value = (upper * (256 - lower_part) + lower * lower_part + 32768) >> 16;
        pixels[static_cast<size_t>(base + int64_t{y} * size.width + x)] = static_cast<uint8_t>(value);
      }
    }
  }
}

bool flips(const AugmentOptions& options, const AugmentDraw& draw, Rng& rng) {
  if (!options.flip) return false;
  if (!options.alternate_flips) return rng.chance(0.5);
  const bool first = Rng{draw.seed, kFirstFlipStream, static_cast<uint64_t>(draw.sample)}.chance(0.5);
  return first != (draw.epoch % 2 == 1);
}

void check_range(std::string_view name, double value, double high) {
  if (value >= 0 && value <= high) return;  // false for NaN
  fail(Code::kInvalidArgument, "[augment] got {} = {}, expected 0 (off) to {}", name, value, high);
}

}  // namespace

void check_augment_options(const AugmentOptions& options, const Shape& shape) {
  check_range("pad_crop", options.pad_crop, static_cast<double>(std::min(shape.at(1), shape.at(2)) - 1));
  check_range("rotate_degrees", options.rotate_degrees, 180);
  check_range("scale", options.scale, 0.9);
  check_range("shear", options.shear, 2);
  check_range("translate", options.translate, 1);
  check_range("cutout", options.cutout, static_cast<double>(std::min(shape.at(1), shape.at(2))));
  if (options.alternate_flips && !options.flip) {
    fail(Code::kInvalidArgument, "[augment] alternate_flips says when to flip, but flip is off; set flip = true");
  }
}

void augment_image(std::span<uint8_t> pixels, std::span<uint8_t> work, const Shape& shape,
                   const AugmentOptions& options, const AugmentDraw& draw) {
  SOONER_ASSERT(shape.size() == 3 && std::ssize(pixels) == element_count(shape) && work.size() == pixels.size());
  Rng rng{draw.seed, kAugmentStream, static_cast<uint64_t>(draw.epoch), static_cast<uint64_t>(draw.sample)};
  const Size size{static_cast<int32_t>(shape[0]), static_cast<int32_t>(shape[1]), static_cast<int32_t>(shape[2])};
  if (flips(options, draw, rng)) flip_rows(pixels, size);
  if (options.pad_crop > 0) {
    const auto span = static_cast<uint64_t>(2 * options.pad_crop + 1);
    const auto dx = static_cast<int32_t>(rng.below(span)) - options.pad_crop;
    const auto dy = static_cast<int32_t>(rng.below(span)) - options.pad_crop;
    move(pixels, work, size, dx, dy);
  }
  if (options.rotate_degrees > 0 || options.scale > 0 || options.shear > 0 || options.translate > 0) {
    warp(pixels, work, size, draw_map(size, options, rng));
  }
}

void cut_out(std::span<float> image, const Shape& shape, int32_t side, const AugmentDraw& draw) {
  SOONER_ASSERT(shape.size() == 3 && std::ssize(image) == element_count(shape) && side >= 0);
  Rng rng{draw.seed, kCutoutStream, static_cast<uint64_t>(draw.epoch), static_cast<uint64_t>(draw.sample)};
  const int64_t height = shape[1], width = shape[2];
  const auto range = [&](int64_t extent) {
    const int64_t begin = static_cast<int64_t>(rng.below(static_cast<uint64_t>(extent))) - side / 2;
    return std::pair{std::max<int64_t>(begin, 0), std::min(begin + side, extent)};
  };
  const auto [top, bottom] = range(height);
  const auto [left, right] = range(width);
  for (int64_t c = 0; c < shape[0]; ++c) {
    for (int64_t y = top; y < bottom; ++y) {
      std::fill_n(image.begin() + (c * height + y) * width + left, right - left, 0.0F);
    }
  }
}

}  // namespace sooner
