// Pictures mixed by two, with both labels: mixup (Zhang et al., ICLR 2018) and CutMix (Yun et al., ICCV 2019).
#pragma once

#include <cstdint>
#include <optional>

#include "recipe/recipe_config.h"
#include "train/losses.h"
#include "train/torch_headers.h"

namespace sooner {

// What is done to every picture of one batch; its partner is the one as far from the batch's end as it is from the
// beginning (batches are shuffled).
struct Mixing {
  double share = 1;  // of the picture itself, and of its label: at least 1/2
  // CutMix: the partner's pixels [top, bottom) x [left, right); empty: mixup.
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  [[nodiscard]] bool cuts() const { return bottom > top && right > left; }
};

// A function of options, seed and step alone, for pictures of `height` x `width`; nothing where both are off. Where
// both are on, every step takes one of them by chance.
std::optional<Mixing> draw_mixing(const MixingOptions& options, uint64_t seed, int64_t step, int64_t height,
                                  int64_t width);

// `images` [N, C, H, W], unchanged; mixed as `mixing` says, in the same memory format.
at::Tensor mix_images(const at::Tensor& images, const Mixing& mixing);
// `labels` [N]: those of the partners.
at::Tensor partner_labels(const at::Tensor& labels);
// share * own + (1 - share) * partner, of everything a loss holds.
Loss mixed_loss(const Loss& own, const Loss& partner, double share);

}  // namespace sooner
