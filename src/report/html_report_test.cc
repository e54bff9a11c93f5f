#include "report/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/file.h"
#include "support/message_of.h"
#include "support/sample_report.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// What stands between the first `open` and the next `close`.
std::string between(const std::string& text, const std::string& open, const std::string& close) {
  const size_t begin = text.find(open);
  EXPECT_NE(begin, std::string::npos) << open;
  if (begin == std::string::npos) return "";
  return text.substr(begin + open.size(), text.find(close, begin + open.size()) - begin - open.size());
}

nlohmann::json page_data(const std::string& page) {
  return nlohmann::json::parse(between(page, "id=\"report-data\">", "</script>"));
}

TEST(HtmlReport, HoldsEverythingItShowsAndLoadsNothing) {
  const std::string page = html_report(sample_report());
  for (const char* load :
       {"src=\"http", "href=", "url(", "@import", "<link", "<iframe", "<object", "fetch(", "srcset"}) {
    EXPECT_THAT(page, Not(HasSubstr(load))) << load;
  }
  EXPECT_EQ(count(page, " src=\""), count(page, "src=\"data:image/png;base64,"));
  EXPECT_EQ(count(page, "src=\"data:image/png;base64,"), 48U);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(HtmlReport, KeepsTheLicenceOfTheChartLibrary) {
  const std::string page = html_report(sample_report());
  EXPECT_THAT(page, HasSubstr("Chart.js v3."));
  EXPECT_THAT(page, HasSubstr("Released under the MIT License"));
}

TEST(HtmlReport, GivesChartsTheNumbersOfTheReport) {
  const ReportData data = sample_report();
  const nlohmann::json json = page_data(html_report(data));
  const auto& series = json.at("curve").at("series");
  ASSERT_EQ(series.size(), 2U);
  EXPECT_EQ(series[0]["name"], "differentiable");
  EXPECT_EQ(series[0]["exits"], (std::vector<std::string>{"exit0", "exit1", "last"}));
  ASSERT_EQ(series[0]["points"].size(), data.models[0].curve.size());
  EXPECT_EQ(series[0]["points"][3]["x"], data.models[0].curve[3].cost_fraction);
  EXPECT_EQ(series[0]["points"][3]["shares"], data.models[0].curve[3].shares);
  EXPECT_EQ(series[1]["operating_point"]["y"], data.models[1].operating_point->accuracy);
  EXPECT_EQ(json.at("curve").at("references")[0]["label"], "plain network");
  EXPECT_EQ(json.at("shares").at("bars")[1]["shares"], data.models[1].operating_point->shares);
  EXPECT_EQ(json.at("exit_accuracy").at("series")[0]["everything"][2], data.models[0].stages[2].accuracy);
  ASSERT_EQ(json.at("training")[0].size(), 3U);
  EXPECT_EQ(json["training"][0][1]["title"], "loss");
  EXPECT_EQ(json["training"][0][1]["series"][2]["points"][29]["x"], 30);
  EXPECT_EQ(json["training"][0][1]["series"][2]["points"][29]["y"], data.models[0].training[5].values[29]);
}

TEST(HtmlReport, DrawsItsLineThroughThePointsItIsToldToNotThroughTheBestOnesShown) {
  ReportData data = sample_report();
  std::vector<ReportPoint>& curve = data.models[0].curve;
  // "better" beats "a" on the samples shown, and was beaten on those it was chosen on.
  curve = {{"a", 0.3, 0.8, {}, true}, {"better", 0.3, 0.85, {}, false}, {"c", 0.9, 0.95, {}, true}};
  const nlohmann::json json = page_data(html_report(data));
  std::vector<std::string> front;
  for (const auto& point : json["curve"]["series"][0]["points"]) {
    if (point["front"]) front.push_back(point["label"]);
  }
  EXPECT_EQ(front, (std::vector<std::string>{"a", "c"}));
}

TEST(HtmlReport, LeavesPlainNetworksOutOfTheChartsOfExits) {
  ReportData data = sample_report();
  data.models = {sample_report_model("plain", 1, 0), sample_report_model("exits", 2, 0)};
  nlohmann::json json = page_data(html_report(data));
  EXPECT_EQ(json["shares"]["bars"].size(), 1U);
  EXPECT_EQ(json["exit_accuracy"]["series"].size(), 1U);
  data.models.pop_back();
  const std::string page = html_report(data);
  EXPECT_THAT(page, Not(HasSubstr("<h2>Exits</h2>")));
  EXPECT_TRUE(page_data(page)["shares"].is_null());
}

TEST(HtmlReport, WritesTheNumbersIntoTablesToo) {
  const std::string page = html_report(sample_report());
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">differentiable</th><td>accuracy-drop 0.003</td><td>88.90\u00a0%</td>"
                              "<td>0.580</td><td>50.0\u00a0% / 25.0\u00a0% / 25.0\u00a0%</td>"));
  EXPECT_THAT(page, HasSubstr("<td>271.4</td><td>598.2</td><td>0.580</td>"));
  EXPECT_THAT(page, HasSubstr("<td>leaves if p &gt;= 0.93</td>"));
}

TEST(HtmlReport, ShowsTablesOfItsCallerFirst) {
  ReportData data = sample_report();
  data.tables = {{"Side <by> side", {"network", "<= 50 %"}, {{"joint", "88.1"}}, {"three seeds"}}};
  const std::string page = html_report(data);
  EXPECT_THAT(page, HasSubstr("<h2>Side &lt;by&gt; side</h2>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">joint</th><td>88.1</td>"));
  EXPECT_LT(page.find("three seeds"), page.find("<h2>Accuracy against cost</h2>"));
  data.tables[0].rows.push_back({"mixed"});
  EXPECT_THROW(html_report(data), Error);
}

TEST(HtmlReport, DrawsWhatAnInterruptedNetworkWouldAnswer) {
  const ReportData data = sample_report();
  const nlohmann::json json = page_data(html_report(data));
  const auto& series = json["anytime"]["series"];
  ASSERT_EQ(series[0]["points"].size(), data.models[0].stages.size());
  EXPECT_EQ(series[0]["points"][1]["x"], data.models[0].stages[1].cost_fraction);
  EXPECT_EQ(series[0]["points"][1]["y"], data.models[0].stages[1].accuracy);
}

TEST(HtmlReport, HasACanvasForEachChartAndSaysWhatItShows) {
  const std::string page = html_report(sample_report());
  EXPECT_EQ(count(page, "data-chart=\"curve\""), 1U);
  EXPECT_EQ(count(page, "data-chart=\"anytime\""), 1U);
  EXPECT_EQ(count(page, "data-chart=\"shares\""), 1U);
  EXPECT_EQ(count(page, "data-chart=\"exit_accuracy\""), 1U);
  EXPECT_EQ(count(page, "data-chart=\"training\""), 6U);
  EXPECT_EQ(count(page, "<canvas"), count(page, "<canvas role=\"img\""));
  EXPECT_EQ(count(page, "<canvas"),
            count(page, "aria-label=\"") - count(page, "role=\"region\"") - count(page, "<svg class=\"network\""));
  EXPECT_EQ(count(page, "<img "), count(page, "<img alt=\"disc, answered "));
}

TEST(HtmlReport, EscapesHostileTextEverywhere) {
  const std::string evil = "</script><script>alert(1)</script>\"'&<b>";
  ReportData data = sample_report();
  data.title = data.data_set = data.split = data.split_hash = data.version = data.commit = data.cpu = evil;
  data.created_at = data.command = evil;
  data.notes = {evil};
  data.references = {{evil, 1, 0.9, {}}};
  for (ReportModel& model : data.models) {
    model.name = model.description = model.policy = model.config = evil;
    model.notes = {evil};
    for (ReportStage& stage : model.stages) {
      stage.exit_name = stage.layers = stage.head = stage.shape = stage.threshold = evil;
    }
    for (ReportPoint& point : model.curve) point.label = evil;
    model.operating_point->label = evil;
    for (ReportSeries& series : model.training) series.chart = series.name = evil;
    for (ReportLatency& latency : model.latency) latency.name = latency.backend = latency.precision = evil;
    for (ReportGallery& gallery : model.galleries) {
      gallery.title = gallery.note = evil;
      for (ReportSample& sample : gallery.samples) sample.label = sample.predicted = evil;
    }
  }
  const std::string page = html_report(data);
  EXPECT_EQ(count(page, "<script"), 3U);
  EXPECT_EQ(count(page, "</script"), 3U);
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_EQ(page_data(page)["curve"]["series"][0]["name"], evil);
  EXPECT_THAT(
      page, HasSubstr("<title>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;b&gt;</title>"));
}

TEST(HtmlReport, SurvivesTextThatIsNotUtf8) {
  ReportData data = sample_report();
  data.models[0].name = std::string("a\xff\0b\x1b[31m", 9);
  const std::string page = html_report(data);
  EXPECT_THAT(page, HasSubstr("<h2>a\xef\xbf\xbd\xef\xbf\xbd"
                              "b\xef\xbf\xbd[31m</h2>"));
  EXPECT_EQ(page.find('\0'), std::string::npos);
  EXPECT_EQ(page_data(page)["curve"]["series"][0]["name"].get<std::string>().substr(0, 4), "a\xef\xbf\xbd");
}

TEST(HtmlReport, LeavesOutWhatIsMissing) {
  ReportData data;
  data.title = "nothing yet";
  std::string page = html_report(data);
  EXPECT_THAT(page, Not(HasSubstr("<canvas")));
  EXPECT_TRUE(page_data(page)["curve"].is_null());

  ReportModel bare;
  bare.name = "bare";
  bare.stages.resize(1);
  data.models = {bare};
  page = html_report(data);
  EXPECT_THAT(page, Not(HasSubstr("<canvas")));
  EXPECT_THAT(page, HasSubstr("<td>–</td>"));
  EXPECT_THAT(page, Not(HasSubstr("nan"))) << "unknown numbers are dashes";

  ReportModel half = sample_report_model("half", 2, 0);
  half.curve.clear();
  half.operating_point.reset();
  half.training[0].values[4] = kUnknown;
  data.models = {half};
  page = html_report(data);
  EXPECT_EQ(count(page, "data-chart=\"curve\""), 0U);
  EXPECT_EQ(count(page, "data-chart=\"exit_accuracy\""), 1U);
  EXPECT_TRUE(page_data(page)["training"][0][0]["series"][0]["points"][4]["y"].is_null());
}

TEST(HtmlReport, RefusesListsThatDoNotGoTogether) {
  const auto refused = [](auto change) {
    ReportData data = sample_report();
    change(data.models[0]);
    return message_of(Code::kInvalidArgument, [&] { html_report(data); });
  };
  EXPECT_THAT(refused([](ReportModel& m) { m.curve[2].shares.pop_back(); }), HasSubstr("curve point"));
  EXPECT_THAT(refused([](ReportModel& m) { m.operating_point->shares.push_back(0); }), HasSubstr("operating point"));
  EXPECT_THAT(refused([](ReportModel& m) { m.training[0].epochs.pop_back(); }), HasSubstr("training series"));
  EXPECT_THAT(refused([](ReportModel& m) { m.galleries[0].samples[0].png.clear(); }), HasSubstr("no PNG"));
  EXPECT_THAT(refused([](ReportModel& m) { m.galleries[0].samples[0].exit_index = 3; }), HasSubstr("exit 3"));
}

TEST(HtmlReport, WritesAFile) {
  const TempFolder folder;
  write_html_report(sample_report(), folder / "r.html");
  EXPECT_EQ(read_text(folder / "r.html"), html_report(sample_report()));
}

}  // namespace
}  // namespace sooner
