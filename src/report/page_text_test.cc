#include "report/page_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/embedded.h"

namespace sooner {
namespace {

TEST(PageText, EscapesMarkup) {
  EXPECT_EQ(escape_html("a<b>&\"'\n\tü"), "a&lt;b&gt;&amp;&quot;&#39;\n\tü");
  EXPECT_EQ(escape_html("\x01\x7f\xc3"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(PageText, WritesJsonThatCannotEndItsElement) {
  const nlohmann::ordered_json json = {{"</script>", "<!-- & \u2028 ü"}};
  const std::string text = script_json(json);
  EXPECT_EQ(text, "{\"\\u003c/script\\u003e\":\"\\u003c!-- \\u0026 \\u2028 \\u00fc\"}");
  EXPECT_EQ(nlohmann::ordered_json::parse(text), json);
}

TEST(PageText, KeepsSourcesFromEndingTheirElement) {
  EXPECT_EQ(inline_source("a='</script>'+'</SCRIPT'; b='<!--'; c='</style>'", "script"),
            "a='<\\/script>'+'<\\/SCRIPT'; b='<\\!--'; c='</style>'");
  EXPECT_EQ(inline_source("</", "script"), "</");
  EXPECT_EQ(inline_source("", "style"), "");
}

TEST(PageText, WritesADashForUnknownNumbers) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(percent_text(unknown, 1), "–");
  EXPECT_EQ(percent_text(0.12345, 1), "12.3\u00a0%");
  EXPECT_EQ(number_text(0.5, 3), "0.500");
  EXPECT_EQ(number_text(unknown, 3), "–");
  EXPECT_EQ(count_text(1.14e6), "1.14\u00a0M");
  EXPECT_EQ(count_text(640), "640");
  EXPECT_EQ(count_text(unknown), "–");
}

TEST(Embedded, HoldsWholeFiles) {
  EXPECT_TRUE(embedded::chart_min_js().starts_with("/*!"));
  EXPECT_GT(embedded::chart_min_js().size(), 100'000U);
  EXPECT_TRUE(embedded::report_js().ends_with("})();\n"));
  EXPECT_TRUE(embedded::report_css().ends_with("}\n"));
}

}  // namespace
}  // namespace sooner
