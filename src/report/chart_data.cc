#include "report/chart_data.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sooner {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json numbers(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(number(value));
  return json;
}

Json point(const ReportPoint& from) {
  Json json;
  json["x"] = number(from.cost_fraction);
  json["y"] = number(from.accuracy);
  json["label"] = from.label;
  json["shares"] = numbers(from.shares);
  return json;
}

Json points(const std::vector<ReportPoint>& from) {
  Json json = Json::array();
  for (const ReportPoint& each : from) json.push_back(point(each));
  return json;
}

Json exit_names(const ReportModel& model) {
  Json json = Json::array();
  for (const ReportStage& stage : model.stages) json.push_back(stage.exit_name);
  return json;
}

Json curve_chart(const ReportData& data) {
  Json json;
  json["series"] = Json::array();
  for (const ReportModel& model : data.models) {
    Json series;
    series["name"] = model.name;
    series["exits"] = exit_names(model);
    series["points"] = points(model.curve);
    for (size_t i = 0; i < model.curve.size(); ++i) series["points"][i]["front"] = model.curve[i].front;
    series["operating_point"] = model.operating_point ? point(*model.operating_point) : Json(nullptr);
    if (!model.curve.empty() || model.operating_point) json["series"].push_back(std::move(series));
  }
  json["references"] = points(data.references);
  return json["series"].empty() && data.references.empty() ? Json(nullptr) : json;
}

// What the deepest exit reached would answer, against the cost spent when interrupted.
Json anytime_chart(const ReportData& data) {
  Json json;
  json["series"] = Json::array();
  for (const ReportModel& model : data.models) {
    if (model.stages.size() < 2) continue;
    Json series;
    series["name"] = model.name;
    series["points"] = Json::array();
    for (const ReportStage& stage : model.stages) {
      if (!std::isfinite(stage.cost_fraction) || !std::isfinite(stage.accuracy)) continue;
      series["points"].push_back(point({stage.exit_name, stage.cost_fraction * model.cost_scale, stage.accuracy, {}}));
    }
    if (!series["points"].empty()) json["series"].push_back(std::move(series));
  }
  return json["series"].empty() ? Json(nullptr) : json;
}

// What was measured, against accuracy.
Json timed_chart(const ReportData& data) {
  Json json;
  json["series"] = Json::array();
  for (const ReportModel& model : data.models) {
    if (model.timed.empty()) continue;
    Json series;
    series["name"] = model.name;
    series["points"] = points(model.timed);
    json["series"].push_back(std::move(series));
  }
  return json["series"].empty() ? Json(nullptr) : json;
}

// One bar per model with early exits and an operating point, one segment per exit.
Json shares_chart(const ReportData& data) {
  Json json;
  json["bars"] = Json::array();
  for (const ReportModel& model : data.models) {
    if (model.stages.size() < 2 || !model.operating_point || model.operating_point->shares.empty()) continue;
    Json bar;
    bar["name"] = model.name;
    bar["exits"] = exit_names(model);
    bar["shares"] = numbers(model.operating_point->shares);
    json["bars"].push_back(std::move(bar));
  }
  return json["bars"].empty() ? Json(nullptr) : json;
}

Json exit_accuracy_chart(const ReportData& data) {
  Json json;
  json["series"] = Json::array();
  for (const ReportModel& model : data.models) {
    if (model.stages.size() < 2) continue;
    std::vector<double> all;
    std::vector<double> here;
    for (const ReportStage& stage : model.stages) {
      all.push_back(stage.accuracy);
      here.push_back(stage.accuracy_here);
    }
    const auto known = [](double value) { return std::isfinite(value); };
    if (std::none_of(all.begin(), all.end(), known) && std::none_of(here.begin(), here.end(), known)) continue;
    Json series;
    series["name"] = model.name;
    series["exits"] = exit_names(model);
    series["everything"] = numbers(all);
    series["here"] = numbers(here);
    json["series"].push_back(std::move(series));
  }
  return json["series"].empty() ? Json(nullptr) : json;
}

// Per model: its charts, in order of first appearance.
Json training_charts(const ReportData& data) {
  Json json = Json::array();
  for (const ReportModel& model : data.models) {
    Json charts = Json::array();
    std::map<std::string, size_t> place;
    for (const ReportSeries& from : model.training) {
      const auto [found, is_new] = place.emplace(from.chart, charts.size());
      if (is_new) charts.push_back({{"title", from.chart}, {"series", Json::array()}});
      Json series;
      series["name"] = from.name;
      series["points"] = Json::array();
      for (size_t i = 0; i < from.values.size(); ++i) {
        Json at;
        at["x"] = number(from.epochs[i]);
        at["y"] = number(from.values[i]);
        series["points"].push_back(std::move(at));
      }
      charts[found->second]["series"].push_back(std::move(series));
    }
    json.push_back(std::move(charts));
  }
  return json;
}

}  // namespace

Json chart_data(const ReportData& data) {
  Json json;
  json["cost_unit"] = data.cost_unit.empty() ? "a share of the plain network's MACs" : data.cost_unit;
  json["least_axis"] = data.cost_unit.empty() ? 1 : 0;
  json["curve"] = curve_chart(data);
  json["timed"] = timed_chart(data);
  json["anytime"] = anytime_chart(data);
  json["shares"] = shares_chart(data);
  json["exit_accuracy"] = exit_accuracy_chart(data);
  json["training"] = training_charts(data);
  return json;
}

}  // namespace sooner
