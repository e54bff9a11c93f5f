// `sooner drift`: do answers in service still look like the samples that the model's thresholds were chosen on?
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ranges>

#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "eval/drift.h"
#include "format/model_file.h"
#include "policy/policy_kind.h"
#include "policy_flags.h"
#include "table.h"

namespace sooner {
namespace {

struct DriftArguments {
  std::string scores;
  std::string model;
  std::string policy;
  std::string precision = "fp32";
  DriftOptions options;
  OutputForm form = OutputForm::kText;
};

// The newest record of the policy asked for, or of the one that the model runs by at this precision.
const CalibrationRecord& record_of(const Manifest& manifest, const DriftArguments& arguments) {
  const std::string precision(to_string(precision_from_string(arguments.precision)));
  std::optional<PolicySpec> own;
  if (arguments.policy.empty()) {
    own = find_policy_at(manifest.policy, manifest.calibrations, precision);
  } else {
    static_cast<void>(policy_kind(policy_name(arguments.policy)));
  }
  for (const CalibrationRecord& record : std::views::reverse(manifest.calibrations)) {
    if (record.precision != precision && !holds_everywhere(record)) continue;
    if (arguments.policy.empty() ? record.policy == own : record.policy.name == arguments.policy) return record;
  }
  fail(Code::kFailedPrecondition,
       "[drift] the model has no calibration of '{}' for {}; run `sooner tune`, or name another --policy",
       arguments.policy.empty() ? manifest.policy.name : arguments.policy, precision);
}

// One line of what `sooner predict` writes; nothing for an image that could not be read.
std::optional<LiveAnswer> parse_answer(const std::string& line, const CalibrationRecord& record,
                                       const std::string& place) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) {
    fail(Code::kInvalidArgument, "[drift] {}: got no JSON object, expected a line as `sooner predict` writes it",
         place);
  }
  if (json.contains("error")) return std::nullopt;
  const auto exit = json.find("exit");
  const auto score = json.find("score");
  if (exit == json.end() || score == json.end()) {
    fail(Code::kInvalidArgument, "[drift] {}: '{}' is missing, expected a line as `sooner predict` writes it", place,
         exit == json.end() ? "exit" : "score");
  }
  const auto exits = static_cast<int64_t>(record.exit_shares.size());
  if (!exit->is_number_integer() || exit->get<int64_t>() < 0 || exit->get<int64_t>() >= exits) {
    fail(Code::kInvalidArgument, "[drift] {}: got exit {}, expected 0 to {}: answers of another model?", place,
         exit->dump(), exits - 1);
  }
  if (!score->is_number())
    fail(Code::kInvalidArgument, "[drift] {}: got score {}, expected a number", place, score->dump());
  const LiveAnswer answer{.exit_index = exit->get<int32_t>(), .score = score->get<double>()};
  const auto k = static_cast<size_t>(answer.exit_index);
  // Scores are floats.
  if (k < record.policy.thresholds.size() &&
      answer.score < record.policy.thresholds[k] - 1e-5 * std::abs(record.policy.thresholds[k])) {
    fail(Code::kInvalidArgument,
         "[drift] {}: left exit {} with score {}, below the threshold {:.6g} of '{}': answers of other thresholds, or "
         "of a cap or deadline; name their --policy, or compare answers given without",
         place, k, answer.score, record.policy.thresholds[k], record.policy.name);
  }
  return answer;
}

void run(const DriftArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const CalibrationRecord& record = record_of(file.manifest, arguments);
  std::vector<LiveAnswer> answers;
  int64_t unreadable = 0;
  int64_t number_of_line = 0;
  for (const std::string& line : split(read_text(arguments.scores), '\n')) {
    ++number_of_line;
    if (line.empty()) continue;
    if (const auto answer = parse_answer(line, record, fmt::format("{}:{}", arguments.scores, number_of_line))) {
      answers.push_back(*answer);
    } else {
      ++unreadable;
    }
  }
  const DriftReport report = detect_drift(record, answers, arguments.options);
  Table table(
      {"test", "calibration", "live", "chi-square", "degrees", "p", "alarm below", "detects", "live needed", "drift"});
  const double alpha = arguments.options.false_alarm / static_cast<double>(std::max<size_t>(1, report.tests.size()));
  std::vector<std::string> alarms;
  for (const DriftTest& test : report.tests) {
    table.add({cell(test.what), count(test.calibrated), count(test.live), number(test.statistic, 2),
               count(test.degrees), number(test.p_value, 4), number(alpha, 4), percent(test.detectable, 1),
               test.needed ? count(*test.needed) : cell("-"), cell(test.alarm ? "yes" : "no")});
    if (test.alarm) alarms.push_back(fmt::format("{} (p = {:.2g})", test.what, test.p_value));
  }
  if (arguments.form == OutputForm::kJson) {
    nlohmann::ordered_json json;
    json["drifted"] = report.drifted();
    json["answers"] = answers.size();
    json["alike"] = report.alike;
    json["too_few"] = report.left_out;
    json["tests"] = table.json();
    fmt::print("{}\n", json.dump(2));
  } else {
    table.print(arguments.form);
  }
  say(fmt::format(
      "{} answers against {} samples of {} ({}, {}); two-sample chi-square tests, together at most {:.3g} % "
      "false alarms; a shift that moves the share 'detects' of the samples is found with probability {:.3g} "
      "%, one of {:.3g} % takes 'live needed' answers",
      answers.size(), record.samples, record.data_set, record.policy.name, record.rule,
      100 * arguments.options.false_alarm, 100 * arguments.options.power, 100 * arguments.options.shift));
  if (unreadable > 0) say(fmt::format("{} images that could not be read are left out", unreadable));
  if (!report.alike.empty()) say(fmt::format("all in one place, then as now: {}", fmt::join(report.alike, ", ")));
  if (!report.left_out.empty()) say(fmt::format("too few samples to compare: {}", fmt::join(report.left_out, ", ")));
  if (report.drifted()) {
    fail(Code::kFailedPrecondition, "[drift] the answers have drifted: {}; tune the model on data as it is now",
         fmt::join(alarms, ", "));
  }
}

}  // namespace

void add_drift(CLI::App& app) {
  const auto arguments = std::make_shared<DriftArguments>();
  app.description(
      app.get_description() +
      "\nExit code 0: no drift; 1: drift (--json: \"drifted\": true), or a file that cannot be read; 2: a line "
      "that is no answer, or wrong usage.");
  app.add_option("scores", arguments->scores, "answers in service, the JSON lines that `sooner predict` writes")
      ->required();
  app.add_option("model", arguments->model, "the .safetensors model that gave them")->required();
  app.add_option("--policy", arguments->policy, "the policy that gave them; default: the model's");
  app.add_option("--precision", arguments->precision, "fp32 | bf16 | int8: whose calibration")->capture_default_str();
  app.add_option("--false-alarm", arguments->options.false_alarm,
                 "how often there may be an alarm without drift, all tests together")
      ->capture_default_str();
  app.add_option("--power", arguments->options.power, "how surely a shift is to be found, where shifts are named")
      ->capture_default_str();
  app.add_option("--shift", arguments->options.shift, "say how many live samples it takes to find this share moved")
      ->capture_default_str();
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
