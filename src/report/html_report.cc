#include "report/html_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "core/error.h"
#include "core/file.h"
#include "report/base64.h"
#include "report/chart_data.h"
#include "report/embedded.h"
#include "report/network_svg.h"
#include "report/page_text.h"

namespace sooner {
namespace {

void need_same(size_t got, size_t expected, std::string_view model, std::string_view field) {
  if (got != expected) {
    fail(Code::kInvalidArgument, "[html_report] '{}': {} has {} entries, expected {}", model, field, got, expected);
  }
}

void check_point(const ReportPoint& point, const ReportModel& model, std::string_view field) {
  if (!point.shares.empty()) need_same(point.shares.size(), model.stages.size(), model.name, field);
}

bool is_png(const std::vector<std::byte>& bytes) {
  return bytes.size() > 8 && bytes[0] == std::byte{0x89} && bytes[1] == std::byte{'P'} && bytes[2] == std::byte{'N'} &&
         bytes[3] == std::byte{'G'};
}

void check(const ReportData& data) {
  for (const ReportTable& table : data.tables) {
    for (const std::vector<std::string>& row : table.rows)
      need_same(row.size(), table.columns.size(), table.caption, "a row");
  }
  for (const ReportModel& model : data.models) {
    for (const ReportPoint& point : model.curve) check_point(point, model, "a curve point's shares");
    if (model.operating_point) check_point(*model.operating_point, model, "the operating point's shares");
    for (const ReportSeries& series : model.training) {
      need_same(series.values.size(), series.epochs.size(), model.name, "a training series");
    }
    for (const ClassOutcome& one : model.classes) {
      need_same(one.shares.size(), model.stages.size(), model.name, "a class's shares");
    }
    for (const ReportGallery& gallery : model.galleries) {
      for (const ReportSample& sample : gallery.samples) {
        if (!is_png(sample.png)) {
          fail(Code::kInvalidArgument, "[html_report] model '{}': a picture of '{}' is no PNG file", model.name,
               gallery.title);
        }
        if (sample.exit_index < 0 || static_cast<size_t>(sample.exit_index) >= model.stages.size()) {
          fail(Code::kInvalidArgument, "[html_report] model '{}': a sample left at exit {}, expected 0 to {}",
               model.name, sample.exit_index, static_cast<int64_t>(model.stages.size()) - 1);
        }
      }
    }
  }
}

class Page {
 public:
  explicit Page(const ReportData& data) : data_(data), charts_(chart_data(data)) {}

  std::string write() {
    head();
    add("<body>\n<header>\n<h1>{}</h1>\n", escape_html(data_.title));
    facts();
    notes(data_.notes);
    add("<noscript><p>The charts need JavaScript; every number is in the tables, "
        "too.</p></noscript>\n</header>\n<main>\n");
    for (const ReportTable& table : data_.tables) own_table(table);
    overview();
    for (size_t m = 0; m < data_.models.size(); ++m) model_section(m);
    add("</main>\n<footer><p>Written by sooner {}{}. Charts: Chart.js, MIT licence.</p>", escape_html(data_.version),
        data_.commit.empty() ? "" : " (" + escape_html(data_.commit) + ")");
    if (!data_.command.empty()) add("<p><code>{}</code></p>", escape_html(data_.command));
    add("</footer>\n<script type=\"application/json\" id=\"report-data\">{}</script>\n", script_json(charts_));
    add("<script>{}</script>\n", inline_source(embedded::chart_min_js(), "script"));
    add("<script>{}</script>\n</body>\n</html>\n", inline_source(embedded::report_js(), "script"));
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  void head() {
    add("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        // Nothing may be asked of the network, whatever stands in the texts.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{}</style>\n</head>\n",
        escape_html(data_.title), inline_source(embedded::report_css(), "style"));
  }

  void facts() {
    const std::array<std::pair<std::string_view, std::string>, 6> all = {{
        {"Data set", data_.data_set},
        {"Split", data_.split_hash.empty() ? data_.split : data_.split + " " + data_.split_hash},
        {"Samples", data_.samples > 0 ? fmt::format("{}", data_.samples) : ""},
        {"CPU", data_.cpu},
        {"Version", data_.commit.empty() ? data_.version : data_.version + ", commit " + data_.commit},
        {"Written", data_.created_at},
    }};
    add("<dl class=\"facts\">");
    for (const auto& [name, value] : all) {
      if (!value.empty()) add("<div><dt>{}</dt><dd>{}</dd></div>", name, escape_html(value));
    }
    add("</dl>\n");
  }

  void notes(const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    add("<ul class=\"notes\">");
    for (const std::string& line : lines) add("<li>{}</li>", escape_html(line));
    add("</ul>\n");
  }

  // A chart of report.js; `kind` says which, `what` is read out instead of it.
  void chart(std::string_view kind, std::string_view what, std::string_view extra = "") {
    add("<div class=\"chart\"><canvas role=\"img\" data-chart=\"{}\" {} aria-label=\"{}\"></canvas></div>\n", kind,
        extra, escape_html(what));
  }

  void row(const std::vector<std::string>& cells) {
    add("<tr>");
    bool first = true;
    for (const std::string& cell : cells) {
      add("{}{}{}", first ? "<th scope=\"row\">" : "<td>", escape_html(cell), first ? "</th>" : "</td>");
      first = false;
    }
    add("</tr>\n");
  }

  void table_head(std::string_view caption, std::initializer_list<std::string_view> columns) {
    add("<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
        "aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
        escape_html(caption));
    for (const std::string_view column : columns) add("<th scope=\"col\">{}</th>", escape_html(column));
    add("</tr></thead>\n<tbody>\n");
  }
  void own_table(const ReportTable& table) {
    add("<section>\n<h2>{}</h2>\n", escape_html(table.caption));
    add("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table><thead><tr>",
        escape_html(table.caption));
    for (const std::string& column : table.columns) add("<th scope=\"col\">{}</th>", escape_html(column));
    add("</tr></thead>\n<tbody>\n");
    for (const std::vector<std::string>& cells : table.rows) row(cells);
    table_end();
    notes(table.notes);
    add("</section>\n");
  }

  void table_end() { add("</tbody></table></div>\n"); }

  static std::string shares_text(const std::vector<double>& shares) {
    std::string text;
    for (const double share : shares) text += (text.empty() ? "" : " / ") + percent_text(share, 1);
    return text.empty() ? "–" : text;
  }

  void point_row(const std::string& name, const ReportPoint& point) {
    row({name, point.label, percent_text(point.accuracy, 2), number_text(point.cost_fraction, 3),
         shares_text(point.shares)});
  }

  void overview() {
    const bool any_shares = !charts_["shares"].is_null();
    const bool any_accuracy = !charts_["exit_accuracy"].is_null();
    if (!charts_["curve"].is_null()) {
      add("<section>\n<h2>Accuracy against cost</h2>\n<p>Cost is what one answer takes on average, {}, heads and gates "
          "paid. Up and to the left is better. A line joins the points that no other of its model beats on the samples "
          "they were chosen on; the others "
          "stand beside it, faint.</p>\n",
          escape_html(charts_["cost_unit"].get<std::string>()));
      chart("curve", "Accuracy against cost of every model; the table below holds the same numbers");
      operating_points();
      curve_table();
      add("</section>\n");
    }
    if (!charts_["timed"].is_null()) {
      add("<section>\n<h2>Accuracy against measured time</h2>\n<p>One image at a time on one thread, networks taking "
          "turns.</p>\n");
      chart("timed", "Accuracy against measured time per image; the table of measured times holds the same numbers");
      add("</section>\n");
    }
    if (!charts_["anytime"].is_null()) {
      add("<section>\n<h2>Accuracy when interrupted</h2>\n<p>The deepest exit reached answers: everybody at exit k, "
          "for "
          "what reaching it costs.</p>\n");
      chart("anytime", "Accuracy of each exit against the cost of reaching it; in the tables of exits, too");
      add("</section>\n");
    }
    if (!any_shares && !any_accuracy) return;
    add("<section>\n<h2>Exits</h2>\n<div class=\"side-by-side\">\n");
    if (any_shares) {
      add("<figure><figcaption>Share of the samples that leaves at each exit</figcaption>");
      chart("shares", "Exit shares at the operating point; in the table of exits, too");
      add("</figure>\n");
    }
    if (any_accuracy) {
      add("<figure><figcaption>Accuracy of each exit, answering everything and answering those that leave there"
          "</figcaption>");
      chart("exit_accuracy", "Accuracy of each exit; in the table of exits, too");
      add("</figure>\n");
    }
    add("</div>\n</section>\n");
  }

  void operating_points() {
    table_head("Operating points", {"Model", "Chosen by", "Accuracy", "Cost", "Leave at each exit"});
    for (const ReportModel& model : data_.models) {
      if (model.operating_point) point_row(model.name, *model.operating_point);
    }
    for (const ReportPoint& reference : data_.references) point_row("reference", reference);
    table_end();
  }

  void curve_table() {
    add("<details class=\"numbers\"><summary>All points of the curves</summary>\n");
    table_head("Curves", {"Model", "Point", "Accuracy", "Cost", "Leave at each exit"});
    for (const ReportModel& model : data_.models) {
      for (const ReportPoint& point : model.curve) point_row(model.name, point);
    }
    table_end();
    add("</details>\n");
  }

  void model_section(size_t m) {
    const ReportModel& model = data_.models[m];
    add("<section>\n<h2>{}</h2>\n", escape_html(model.name));
    if (!model.description.empty()) add("<p>{}</p>\n", escape_html(model.description));
    add("<dl class=\"facts\">");
    const auto fact = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) add("<div><dt>{}</dt><dd>{}</dd></div>", name, escape_html(value));
    };
    if (!std::isnan(model.plain_macs)) fact("Plain network", count_text(model.plain_macs) + " MACs");
    if (!std::isnan(model.parameters)) fact("Parameters", count_text(model.parameters));
    fact("Policy", model.policy);
    add("</dl>\n");
    notes(model.notes);
    add("{}", network_svg(model));
    stages_table(model);
    classes_table(model);
    latency_table(model);
    for (const ReportGallery& gallery : model.galleries) gallery_row(model, gallery);
    training(m);
    if (!model.config.empty()) {
      add("<details><summary>Configuration</summary><pre>{}</pre></details>\n", escape_html(model.config));
    }
    add("</section>\n");
  }

  void stages_table(const ReportModel& model) {
    if (model.stages.empty()) return;
    table_head("Exits, from the earliest to the last",
               {"Exit", "Leaves when", "Stage MACs", "Head MACs", "Cost of plain", "Leave", "Accuracy, all",
                "Accuracy, leaving", "ECE", "Brier", "Failure AUROC"});
    for (const ReportStage& stage : model.stages) {
      row({stage.exit_name, stage.threshold.empty() ? "–" : stage.threshold, count_text(stage.trunk_macs),
           count_text(stage.head_macs), number_text(stage.cost_fraction, 3), percent_text(stage.share, 1),
           percent_text(stage.accuracy, 2), percent_text(stage.accuracy_here, 2), number_text(stage.ece, 3),
           number_text(stage.brier, 3), number_text(stage.failure_auroc, 3)});
    }
    table_end();
  }

  void classes_table(const ReportModel& model) {
    if (model.classes.empty()) return;
    table_head("Classes, at the operating point", {"Class", "Samples", "Accuracy", "Cost of plain",
                                                   "Answered otherwise than by the last exit", "Leave at each exit"});
    for (const ClassOutcome& one : model.classes) {
      row({one.name, fmt::format("{}", one.samples), percent_text(one.accuracy, 2), number_text(one.cost, 3),
           percent_text(one.differs, 2), shares_text(one.shares)});
    }
    table_end();
  }

  void latency_table(const ReportModel& model) {
    if (model.latency.empty()) return;
    table_head("Measured time per image, microseconds",
               {"Network", "Backend", "Precision", "Batch", "Threads", "Median", "99th percentile", "Ratio to plain"});
    for (const ReportLatency& latency : model.latency) {
      row({latency.name, latency.backend, latency.precision, fmt::format("{}", latency.batch),
           fmt::format("{}", latency.threads), number_text(latency.median_us, 1), number_text(latency.p99_us, 1),
           number_text(latency.ratio, 3)});
    }
    table_end();
  }

  void gallery_row(const ReportModel& model, const ReportGallery& gallery) {
    if (gallery.samples.empty()) return;
    add("<h3>{}</h3>\n", escape_html(gallery.title));
    if (!gallery.note.empty()) add("<p>{}</p>\n", escape_html(gallery.note));
    add("<ul class=\"gallery\">\n");
    for (const ReportSample& sample : gallery.samples) {
      const bool right = sample.label == sample.predicted;
      const auto k = static_cast<size_t>(sample.exit_index);
      const std::string& exit = model.stages[k].exit_name;
      const std::string alt = fmt::format("{}, answered {} at {}, score {}", sample.label, sample.predicted, exit,
                                          number_text(sample.score, 3));
      add("<li class=\"{}\" style=\"--tint:{:.3f}\"><img alt=\"{}\" title=\"{}\" src=\"data:image/png;base64,{}\">",
          right ? "right" : "wrong", exit_tint(k, model.stages.size()), escape_html(alt), escape_html(alt),
          encode_base64(sample.png));
      add("<span class=\"answer\">{}</span>",
          right ? escape_html(sample.label)
                : fmt::format("{}<br><s>{}</s>", escape_html(sample.label), escape_html(sample.predicted)));
      add("<span class=\"where\">{} · {}</span></li>\n", escape_html(exit), number_text(sample.score, 2));
    }
    add("</ul>\n");
  }

  void training(size_t m) {
    std::vector<std::string_view> charts;
    for (const ReportSeries& series : data_.models[m].training) {
      if (std::find(charts.begin(), charts.end(), series.chart) == charts.end()) charts.push_back(series.chart);
    }
    if (charts.empty()) return;
    add("<h3>Training</h3>\n<div class=\"side-by-side\">\n");
    for (size_t c = 0; c < charts.size(); ++c) {
      add("<figure><figcaption>{}</figcaption>", escape_html(charts[c]));
      chart("training", fmt::format("{} over the epochs of training; last values in the table below", charts[c]),
            fmt::format("data-model=\"{}\" data-index=\"{}\"", m, c));
      add("</figure>\n");
    }
    add("</div>\n<details class=\"numbers\"><summary>Last values</summary>\n");
    table_head("Training", {"Chart", "Series", "Epoch", "Last value"});
    for (const ReportSeries& series : data_.models[m].training) {
      if (series.values.empty()) continue;
      row({series.chart, series.name, number_text(series.epochs.back(), 0), number_text(series.values.back(), 4)});
    }
    table_end();
    add("</details>\n");
  }

  const ReportData& data_;
  nlohmann::ordered_json charts_;
  std::string text_;
};

}  // namespace

std::string html_report(const ReportData& data) {
  check(data);
  return Page(data).write();
}

void write_html_report(const ReportData& data, const std::filesystem::path& path) {
  write_file_atomically(path, html_report(data));
}

}  // namespace sooner
