#include "core/quantity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/message_of.h"

namespace sooner {
namespace {

const std::optional<Quantity> kClass, kAngle = Quantity{"angle", "degrees"};

TEST(Quality, IsSaidAsAnAccuracyOrAsAnError) {
  EXPECT_EQ(quality_word(kClass), "accuracy");
  EXPECT_EQ(quality_word(kAngle), "error");
  EXPECT_EQ(quality_text(kClass, 0.91234), "91.23 %");
  EXPECT_EQ(quality_text(kClass, 0.5, 1), "50.0 %");
  EXPECT_EQ(quality_text(kAngle, -4.21789), "4.218 degrees");
  EXPECT_EQ(quality_text(kAngle, -0.0, 1), "0.00 degrees");
  EXPECT_EQ(quality_text(kAngle, std::nan("")), "-");
  EXPECT_EQ(quality_number(kClass, 0.25), 0.25);
  EXPECT_EQ(quality_number(kAngle, -4.25), 4.25);
}

TEST(Quality, OfANumberIsNoMatterForWhatNeedsClasses) {
  EXPECT_NO_THROW(require_classes(kClass, "eval", "--per-class"));
  EXPECT_EQ(message_of(Code::kInvalidArgument, [] { require_classes(kAngle, "report", "the page"); }),
            "[report] the page needs classes, and this is a regression: the angle in degrees");
}

}  // namespace
}  // namespace sooner
