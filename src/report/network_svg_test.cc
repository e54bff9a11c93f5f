#include "report/network_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/sample_report.h"

namespace sooner {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(NetworkSvg, DrawsEveryStageAndExitWithItsNumbers) {
  const std::string svg = network_svg(sample_report_model("net", 3, 0));
  EXPECT_EQ(count(svg, "class=\"stage\""), 3U);
  EXPECT_EQ(count(svg, "class=\"exit\""), 3U);
  EXPECT_THAT(svg, HasSubstr(">13.6\u00a0M MACs<"));
  EXPECT_THAT(svg, HasSubstr(">leaves if p &gt;=<"));
  EXPECT_THAT(svg, HasSubstr(">0.93<"));
  EXPECT_THAT(svg, HasSubstr("aria-label=\"net: 3 stages. exit0: 14.8\u00a0M MACs, 50.0"));
  // Half of the samples go on, then a quarter: arrows of 8 and 4 units.
  EXPECT_EQ(count(svg, "stroke-width=\"16.0\""), 1U);
  EXPECT_GE(count(svg, "stroke-width=\"8.0\""), 2U);
  EXPECT_GE(count(svg, "stroke-width=\"4.0\""), 2U);
}

TEST(NetworkSvg, DrawsNothingForNoStages) { EXPECT_EQ(network_svg({}), ""); }

TEST(NetworkSvg, DrawsStagesWithoutMeasurements) {
  ReportModel model;
  model.stages.resize(2);
  const std::string svg = network_svg(model);
  EXPECT_EQ(count(svg, "class=\"stage\""), 2U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(NetworkSvg, CutsLongNamesBetweenCharacters) {
  ReportModel model;
  model.stages.resize(1);
  model.stages[0].exit_name = std::string("äöüäöüäöüäöüäöüäöüäöüäöü");
  EXPECT_THAT(network_svg(model), HasSubstr(">äöüäöüäöüäöüäöüäöüäö…<"));
}

TEST(NetworkSvg, BreaksLongRulesIntoLines) {
  ReportModel model;
  model.stages.resize(1);
  model.stages[0].threshold = "leaves if gate g >= 0.5 and the moon is full";
  const std::string svg = network_svg(model);
  EXPECT_THAT(svg, HasSubstr(">leaves if gate g<"));
  EXPECT_THAT(svg, HasSubstr(">&gt;= 0.5 and the moo…<"));
}

TEST(NetworkSvg, GivesEveryExitATintBetweenFirstAndLast) {
  EXPECT_EQ(exit_tint(0, 3), 0);
  EXPECT_EQ(exit_tint(1, 3), 0.5);
  EXPECT_EQ(exit_tint(2, 3), 1);
  EXPECT_EQ(exit_tint(0, 1), 1);
}

}  // namespace
}  // namespace sooner
