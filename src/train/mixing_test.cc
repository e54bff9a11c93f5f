#include "train/mixing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sooner {
namespace {

TEST(Mixing, IsOffByDefaultAndAFunctionOfSeedAndStep) {
  EXPECT_FALSE(draw_mixing({}, 1, 0, 32, 32));
  const MixingOptions both{.mixup = 0.4, .cutmix = 1};
  const auto first = draw_mixing(both, 1, 5, 32, 32), again = draw_mixing(both, 1, 5, 32, 32);
  EXPECT_EQ(first->share, again->share);
  EXPECT_EQ(first->cuts(), again->cuts());
  EXPECT_NE(draw_mixing(both, 1, 6, 32, 32)->share, first->share);
  EXPECT_NE(draw_mixing(both, 2, 5, 32, 32)->share, first->share);
  int cuts = 0;
  for (int64_t step = 0; step < 1000; ++step) cuts += draw_mixing(both, 3, step, 32, 32)->cuts() ? 1 : 0;
  EXPECT_NEAR(cuts, 480, 70);  // half, but for those whose rectangle is too small for a pixel
}

// Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)); of a share and 1 minus it the larger is kept, which leaves
// (share - 1/2)^2 as it was.
TEST(Mixing, SharesOfMixupAreThoseOfABetaDistribution) {
  for (const double alpha : {0.2, 0.5, 1.0, 4.0}) {
    double squares = 0;
    constexpr int kDraws = 20'000;
    for (int64_t step = 0; step < kDraws; ++step) {
      const double share = draw_mixing({.mixup = alpha}, 7, step, 8, 8)->share;
      ASSERT_GE(share, 0.5);
      ASSERT_LE(share, 1);
      squares += (share - 0.5) * (share - 0.5);
    }
    const double expected = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(squares / kDraws, expected, 0.03 * expected) << alpha;
  }
}

TEST(Mixing, SharesOfCutMixAreWhatIsLeftOfThePicture) {
  for (int64_t step = 0; step < 500; ++step) {
    const auto mixing = draw_mixing({.cutmix = 1}, 1, step, 10, 20);
    const int64_t area = (mixing->bottom - mixing->top) * (mixing->right - mixing->left);
    EXPECT_GE(mixing->top, 0);
    EXPECT_LE(mixing->bottom, 10);
    EXPECT_GE(mixing->left, 0);
    EXPECT_LE(mixing->right, 20);
    EXPECT_DOUBLE_EQ(mixing->share, 1 - static_cast<double>(area) / 200);
    EXPECT_GE(mixing->share, 0.39);  // half the picture, give or take what is rounded
  }
}

TEST(Mixing, TakesThePartnersPixels) {
  const at::Tensor images = at::arange(24, at::kFloat).reshape({2, 1, 3, 4});
  const at::Tensor mixed = mix_images(images, {.share = 0.75});
  EXPECT_EQ(mixed[0][0][0][1].item<float>(), 0.75F * 1 + 0.25F * 13);
  EXPECT_EQ(mixed[1][0][0][1].item<float>(), 0.75F * 13 + 0.25F * 1);
  const at::Tensor cut = mix_images(images, {.share = 0.5, .top = 1, .bottom = 3, .left = 0, .right = 2});
  EXPECT_EQ(cut[0][0][0][0].item<float>(), 0);
  EXPECT_EQ(cut[0][0][1][1].item<float>(), 17);
  EXPECT_EQ(cut[0][0][2][2].item<float>(), 10);
  EXPECT_EQ(cut[1][0][2][0].item<float>(), 8);
  EXPECT_EQ(images[0][0][1][1].item<float>(), 5);  // unchanged
  EXPECT_EQ(partner_labels(at::tensor({3, 5}, at::kLong))[0].item<int64_t>(), 5);
}

TEST(Mixing, LossesAreBlended) {
  const auto scalar = [](double value) { return at::scalar_tensor(value, at::kFloat); };
  const Loss own{scalar(2), {scalar(1), at::Tensor()}, scalar(4), at::Tensor()};
  const Loss partner{scalar(6), {scalar(5), at::Tensor()}, scalar(8), at::Tensor()};
  const Loss loss = mixed_loss(own, partner, 0.75);
  EXPECT_EQ(loss.total.item<double>(), 3);
  EXPECT_EQ(loss.exit_losses[0].item<double>(), 2);
  EXPECT_FALSE(loss.exit_losses[1].defined());
  EXPECT_EQ(loss.mixture.item<double>(), 5);
  EXPECT_FALSE(loss.soft_cost.defined());
}

}  // namespace
}  // namespace sooner
