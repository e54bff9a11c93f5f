#include "eval/auroc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/rng.h"

namespace sooner {
namespace {

using Scores = std::vector<double>;
using Labels = std::vector<uint8_t>;

TEST(Auroc, MatchesNumbersWorkedByHand) {
  EXPECT_DOUBLE_EQ(*auroc(Scores{1, 2, 3, 4}, Labels{0, 0, 1, 1}), 1);
  EXPECT_DOUBLE_EQ(*auroc(Scores{1, 2, 3, 4}, Labels{1, 1, 0, 0}), 0);
  EXPECT_DOUBLE_EQ(*auroc(Scores{1, 2, 3, 4}, Labels{0, 1, 0, 1}), 0.75);
  // Pairs (positive, negative): 3>1, 3=3, 2>1, 2<3: 2.5 of 4.
  EXPECT_DOUBLE_EQ(*auroc(Scores{3, 3, 1, 2}, Labels{1, 0, 0, 1}), 0.625);
}

TEST(Auroc, OfTiedScoresIsOneHalf) { EXPECT_DOUBLE_EQ(*auroc(Scores(7, 1.0), Labels{1, 0, 0, 1, 0, 0, 0}), 0.5); }

TEST(Auroc, AcceptsInfinities) {
  EXPECT_DOUBLE_EQ(*auroc(Scores{-INFINITY, INFINITY, INFINITY}, Labels{0, 1, 0}), 0.75);
}

TEST(Auroc, OfOneKindOnlyIsNothing) {
  EXPECT_FALSE(auroc(Scores{1, 2}, Labels{1, 1}).has_value());
  EXPECT_FALSE(auroc(Scores{1, 2}, Labels{0, 0}).has_value());
  EXPECT_FALSE(auroc({}, {}).has_value());
}

TEST(Auroc, AgreesWithCountingPairs) {
  Rng rng(6);
  for (int round = 0; round < 30; ++round) {
    Scores scores;
    Labels labels = {0, 1};
    for (int i = 0; i < 40; ++i) {
      scores.push_back(static_cast<double>(rng.below(8)));
      if (i > 1) labels.push_back(static_cast<uint8_t>(rng.below(2)));
    }
    double won = 0;
    double pairs = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      for (size_t j = 0; j < scores.size(); ++j) {
        if (labels[i] == 0 || labels[j] != 0) continue;
        pairs += 1;
        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      }
    }
    EXPECT_NEAR(*auroc(scores, labels), won / pairs, 1e-12);
  }
}

TEST(Auroc, OfNotANumberIsRefused) {
  EXPECT_THROW(auroc(Scores{1, std::nan("")}, Labels{0, 1}), Error);
  EXPECT_THROW(auroc(Scores{1}, Labels{0, 1}), Error);
}

}  // namespace
}  // namespace sooner
