// `sooner drift`: do answers in service still look like the samples that the model's thresholds were chosen on?
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <ranges>

#include "answer_log.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/table.h"
#include "command.h"
#include "core/file.h"
#include "core/hash.h"
#include "drift_state.h"
#include "eval/drift.h"
#include "format/model_file.h"
#include "policy/fingerprint.h"
#include "policy/policy_kind.h"
#include "policy/standing.h"
#include "runtime/model.h"

namespace sooner {
namespace {

struct DriftArguments {
  std::string scores;
  std::string model;
  std::string policy;
  std::string precision = "fp32";
  DriftOptions options;
  std::string state;
  OutputForm form = OutputForm::kText;
};

// The records that may have given the answers, the likeliest first: of the policy and precision asked for, those of the
// policy that the model runs by before others.
std::vector<const CalibrationRecord*> candidates(const Manifest& manifest, const DriftArguments& arguments) {
  const std::string precision(to_string(precision_from_string(arguments.precision)));
  std::optional<PolicySpec> own;
  if (arguments.policy.empty()) {
    own = find_policy_at(manifest.policy, manifest.calibrations, precision);
  } else {
    static_cast<void>(policy_kind(policy_name(arguments.policy)));
  }
  std::vector<const CalibrationRecord*> records;
  for (const CalibrationRecord& record : std::views::reverse(manifest.calibrations)) {
    if (record.origin.precision != precision && !holds_everywhere(record)) continue;
    if (arguments.policy.empty() ? record.policy == own : record.policy.name == arguments.policy) {
      records.push_back(&record);
    }
  }
  if (!records.empty()) return records;
  fail(Code::kFailedPrecondition,
       "[drift] the model has no calibration of '{}' for {}; run `sooner tune`, or name another --policy",
       arguments.policy.empty() ? manifest.policy.name : arguments.policy, precision);
}

// What the answers of a calibration say of who gave them, on machines with its class of numbers.
class Marks {
 public:
  explicit Marks(const ModelFile& file) : manifest_(file.manifest), file_(file), hash_(model_hash(file)) {}
  [[nodiscard]] Origin engine(Precision precision) const { return origin_here(file_, hash_, precision, *backend_); }
  [[nodiscard]] std::string of(const CalibrationRecord& record, const std::string& precision) const {
    Origin served = engine(precision_from_string(precision));
    if (record.origin.precision == precision) served.instruction_set = record.origin.instruction_set;
    return answered_by(served, *make_policy(record.policy, policy_context(manifest_)));
  }
  // For a person who compared the wrong answers: whose they are, where a calibration of this model gives such.
  [[nodiscard]] std::string whose(const std::string& by) const {
    for (const CalibrationRecord& record : manifest_.calibrations) {
      for (const std::string precision : {"fp32", "bf16", "int8"}) {
        if (record.origin.precision != precision && !holds_everywhere(record)) continue;
        if (of(record, precision) != by) continue;
        return fmt::format("they are those of '{}': --policy {} --precision {}", record_name(record),
                           record.policy.name, precision);
      }
    }
    return "they are of no calibration of this model: of another model, or of thresholds, a cap or a deadline that "
           "were given by hand";
  }

 private:
  const Manifest& manifest_;
  const ModelFile& file_;
  std::string hash_;
  std::unique_ptr<const Backend> backend_ = make_backend("auto");
};

// What the first answer says of who gave it; empty where it does not.
std::string first_by(std::string_view log, const std::string& name) {
  std::string by;
  const size_t end = csv_columns(log) ? log.size() : std::min(log.find('\n'), log.size());
  for_each_answer(log.substr(0, end), 0, name, [&](const LoggedAnswer& answer) {
    if (by.empty()) by = answer.by;
  });
  return by;
}

// Nothing for an image that could not be read.
std::optional<LiveAnswer> live_answer(const LoggedAnswer& logged, const CalibrationRecord& record,
                                      const std::string& file) {
  if (!logged.error.empty()) return std::nullopt;
  const std::string place = fmt::format("{}:{}", file, logged.line);
  if (!logged.exit || !logged.score) {
    fail(Code::kInvalidArgument, "[drift] {}: '{}' is missing, expected a line as `sooner predict` writes it", place,
         logged.exit ? "score" : "exit");
  }
  const auto exits = static_cast<int64_t>(record.exit_shares.size());
  if (*logged.exit < 0 || *logged.exit >= exits) {
    fail(Code::kInvalidArgument, "[drift] {}: got exit {}, expected 0 to {}: answers of another model?", place,
         *logged.exit, exits - 1);
  }
  const LiveAnswer answer{.exit_index = static_cast<int32_t>(*logged.exit), .score = *logged.score};
  const auto k = static_cast<size_t>(answer.exit_index);
  // Scores are floats.
  const std::vector<Threshold>& thresholds = record.policy.thresholds;
  const double threshold = k < thresholds.size() ? thresholds[k].as_score() : 0;
  if (k < thresholds.size() && answer.score < threshold - 1e-5 * std::abs(threshold)) {
    fail(Code::kInvalidArgument,
         "[drift] {}: left exit {} with score {}, below the threshold {:.6g} of '{}': answers of other thresholds, or "
         "of a cap or deadline; name their --policy, or compare answers given without",
         place, k, answer.score, threshold, record.policy.name);
  }
  return answer;
}

// What bets are worth: 1 at the start.
std::string evidence_text(double log_evidence) {
  constexpr double kLargeLog = 13.8;  // a million
  return log_evidence < kLargeLog ? fmt::format("{:.3g}", std::exp(log_evidence))
                                  : fmt::format("1e{:.0f}", log_evidence / std::numbers::ln10);
}

Table table_of(const DriftReport& report) {
  Table table({"test", "calibration", "live", "chi-square", "degrees", "p of one look", "log10 evidence", "detects",
               "live needed", "drift"});
  for (const DriftTest& test : report.tests) {
    table.add({cell(test.what), count(test.calibrated), count(test.live),
               test.degrees > 0 ? number(test.statistic, 2) : cell("-"), count(test.degrees),
               test.degrees > 0 ? number(test.p_value, 4) : cell("-"),
               number(test.log_evidence / std::numbers::ln10, 2), percent(test.detectable, 1),
               test.needed ? count(*test.needed) : cell("-"), cell(test.alarm ? "yes" : "no")});
  }
  return table;
}

void print(const DriftReport& report, OutputForm form) {
  const Table table = table_of(report);
  if (form != OutputForm::kJson) {
    table.print(form);
    return;
  }
  nlohmann::ordered_json json;
  json["drifted"] = report.drifted();
  json["alarm_at"] = nullptr;
  if (report.alarm_at) json["alarm_at"] = *report.alarm_at;
  json["answers"] = report.answers;
  json["log10_evidence"] = report.log_evidence / std::numbers::ln10;
  json["log10_alarm"] = report.log_wanted / std::numbers::ln10;
  json["nothing_to_compare"] = report.left_out;
  json["tests"] = table.json();
  fmt::print("{}\n", json.dump(2));
}

// The calibration that gave the answers: the likeliest, unless they say that it was another of those there may be.
const CalibrationRecord& record_of(const Manifest& manifest, const DriftArguments& arguments, const Marks& marks,
                                   const std::string& by) {
  const std::vector<const CalibrationRecord*> records = candidates(manifest, arguments);
  const auto gave = std::ranges::find_if(
      records, [&](const CalibrationRecord* record) { return marks.of(*record, arguments.precision) == by; });
  return gave == records.end() ? *records.front() : **gave;
}

void run(const DriftArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const std::string log = read_text(arguments.scores);
  const Marks marks(file);
  const CalibrationRecord& record = record_of(file.manifest, arguments, marks, first_by(log, arguments.scores));
  const Origin engine = marks.engine(precision_from_string(arguments.precision));
  if (const Standing found = standing(record, engine); found == Standing::kOtherWeights) {
    say(fmt::format("warning: calibration '{}' {}", record_name(record), standing_text(found, record, engine)));
  }
  std::optional<DriftStateFile> before;
  if (!arguments.state.empty()) before = read_drift_state(arguments.state);
  std::optional<DriftState> watched;
  if (before) watched = before->watch;
  DriftWatch watch(record, arguments.options, std::move(watched));
  const std::string mark = marks.of(record, arguments.precision);
  int64_t unreadable = 0;
  for_each_answer(log, log.size() - unread(log, before).size(), arguments.scores, [&](const LoggedAnswer& logged) {
    if (!logged.by.empty() && logged.by != mark) {
      fail(Code::kInvalidArgument, "[drift] {}:{}: answered by {}, expected {}, as '{}' answers in {}; {}",
           arguments.scores, logged.line, logged.by, mark, record_name(record), arguments.precision,
           marks.whose(logged.by));
    }
    if (const auto answer = live_answer(logged, record, arguments.scores)) {
      watch.add(*answer);
    } else {
      ++unreadable;
    }
  });
  const DriftReport report = watch.report();
  if (!arguments.state.empty()) {
    write_drift_state(arguments.state,
                      {.watch = watch.state(), .log_bytes = log.size(), .log_hash = hash_hex(hash_bytes(log))});
  }
  print(report, arguments.form);
  const DriftOptions& options = arguments.options;
  say(fmt::format(
      "{} answers against {} samples of {} ({}, {}); bets against no drift have been worth {} at most, the alarm is "
      "raised at {:.6g}: without drift in {:.3g} % of all services, however often and long one looks; a shift of the "
      "share 'detects' from the first answer on raises it by now with probability {:.3g} %, one of {:.3g} % takes "
      "'live needed' answers",
      report.answers, record.samples, record.origin.data_set, record.policy.name,
      rule_text(record, static_cast<int32_t>(file.manifest.graph.classes)), evidence_text(report.log_evidence),
      1 / options.false_alarm, 100 * options.false_alarm, 100 * options.power, 100 * options.shift));
  if (before) say(fmt::format("{} of them before this look, by {}", before->watch.answers, arguments.state));
  if (unreadable > 0) say(fmt::format("{} images that could not be read are left out", unreadable));
  if (!report.left_out.empty()) {
    say(fmt::format("no calibration samples to compare with: {}", fmt::join(report.left_out, ", ")));
  }
  if (!report.drifted()) return;
  std::vector<std::string> alarms;
  for (const DriftTest& test : report.tests) {
    if (test.alarm) alarms.push_back(fmt::format("{} ({} to 1)", test.what, evidence_text(test.log_evidence)));
  }
  fail(Code::kFailedPrecondition,
       "[drift] the answers have drifted, seen at answer {}: {}; tune the model on data as it "
       "is now",
       *report.alarm_at, fmt::join(alarms, ", "));
}

}  // namespace

void add_drift(CLI::App& app) {
  const auto arguments = std::make_shared<DriftArguments>();
  app.description(
      app.get_description() +
      "\nAnswers are read in the order of service, which may not follow their classes or difficulty (those of a folder "
      "in "
      "the order of its classes do). Look as often as you like: all looks together raise a false alarm with "
      "probability --false-alarm at most.\nExit code 0: no drift; 1: drift (--json: \"drifted\": true), or a file that "
      "cannot be read; 2: a line "
      "that is no answer, or wrong usage.");
  app.add_option("scores", arguments->scores, "answers in service, JSON lines or CSV as `sooner predict` writes them")
      ->required();
  app.add_option("model", arguments->model, "the .safetensors model that gave them")->required();
  app.add_option("--policy", arguments->policy, "the policy that gave them; default: the model's");
  app.add_option("--precision", arguments->precision, "fp32 | bf16 | int8: whose calibration")->capture_default_str();
  app.add_option("--state", arguments->state,
                 "goes on from this file and writes it anew, so that logs may be rotated: a log that begins with the "
                 "one read last has grown, any other follows it");
  app.add_option("--false-alarm", arguments->options.false_alarm,
                 "how often there may be an alarm without drift, all tests and all looks together")
      ->capture_default_str();
  app.add_option("--power", arguments->options.power, "how surely a shift is to be found, where shifts are named")
      ->capture_default_str();
  app.add_option("--shift", arguments->options.shift, "say how many live samples it takes to find this share moved")
      ->capture_default_str();
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
