#include "train/mixing.h"

#include <algorithm>
#include <cmath>

#include "core/hash.h"
#include "core/rng.h"
#include "train/torch_tensors.h"

namespace sooner {
namespace {

// Of shape `a` and scale 1 (Marsaglia and Tsang, 2000; below 1 by a power of a uniform number).
double draw_gamma(double a, Rng& rng) {
  if (a < 1) return draw_gamma(a + 1, rng) * std::pow(std::max(rng.uniform(), 0x1p-53), 1 / a);
  const double d = a - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(std::max(rng.uniform(), 0x1p-53)) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
  }
}

// Beta(alpha, alpha), the larger part.
double draw_share(double alpha, Rng& rng) {
  const double a = draw_gamma(alpha, rng), b = draw_gamma(alpha, rng);
  const double share = a + b > 0 ? a / (a + b) : 1;  // both vanish only where alpha is tiny
  return std::max(share, 1 - share);
}

// A rectangle of the picture's proportions whose area is 1 - share, about a uniform centre, cut off at the borders.
Mixing draw_cut(double share, int64_t height, int64_t width, Rng& rng) {
  const double side = std::sqrt(1 - share);
  const auto range = [&](int64_t extent) {
    const auto length = std::llround(side * static_cast<double>(extent));
    const int64_t begin = static_cast<int64_t>(rng.below(static_cast<uint64_t>(extent))) - length / 2;
    return std::pair{std::max<int64_t>(begin, 0), std::min<int64_t>(begin + length, extent)};
  };
  Mixing mixing;
  std::tie(mixing.top, mixing.bottom) = range(height);
  std::tie(mixing.left, mixing.right) = range(width);
  const auto area = static_cast<double>((mixing.bottom - mixing.top) * (mixing.right - mixing.left));
  mixing.share = 1 - area / static_cast<double>(height * width);
  return mixing;
}

}  // namespace

std::optional<Mixing> draw_mixing(const MixingOptions& options, uint64_t seed, int64_t step, int64_t height,
                                  int64_t width) {
  if (!options.any()) return std::nullopt;
  Rng rng{seed, hash_bytes("mixing"), static_cast<uint64_t>(step)};
  const bool cuts = options.mixup == 0 || (options.cutmix > 0 && rng.chance(0.5));
  if (cuts) return draw_cut(draw_share(options.cutmix, rng), height, width, rng);
  return Mixing{.share = draw_share(options.mixup, rng)};
}

at::Tensor mix_images(const at::Tensor& images, const Mixing& mixing) {
  return guard_torch("mix_images", [&] {
    const at::NoGradGuard no_grad;
    const at::Tensor partners = images.flip(0);
    if (!mixing.cuts()) return images * mixing.share + partners * (1 - mixing.share);
    at::Tensor mixed = images.clone();
    const auto window = [&](const at::Tensor& from) {
      return from.slice(2, mixing.top, mixing.bottom).slice(3, mixing.left, mixing.right);
    };
    window(mixed).copy_(window(partners));
    return mixed;
  });
}

at::Tensor partner_labels(const at::Tensor& labels) { return labels.flip(0); }

Loss mixed_loss(const Loss& own, const Loss& partner, double share) {
  const auto blend = [&](const at::Tensor& a, const at::Tensor& b) {
    return a.defined() ? a * share + b * (1 - share) : at::Tensor();
  };
  Loss loss{blend(own.total, partner.total),
            {},
            blend(own.mixture, partner.mixture),
            blend(own.soft_cost, partner.soft_cost)};
  for (size_t k = 0; k < own.exit_losses.size(); ++k) {
    loss.exit_losses.push_back(blend(own.exit_losses[k], partner.exit_losses[k]));
  }
  return loss;
}

}  // namespace sooner
