// `sooner predict`: answers image files, one line each, and can be interrupted and go on.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "answer_log.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "command.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/file.h"
#include "core/mutex.h"
#include "core/pixel_table.h"
#include "core/text.h"
#include "data/csv.h"
#include "data/image_files.h"
#include "policy/fingerprint.h"
#include "runtime/crew.h"
#include "runtime/session.h"

namespace sooner {
namespace {

namespace fs = std::filesystem;
// Files that one thread decodes and answers together, and that are written together.
constexpr size_t kBlock = 64;
// Unreadable files that are named one by one.
constexpr int64_t kNamedFaults = 20;
const std::string kStdout = "to standard output";

std::atomic<bool> interrupted = false;

struct PredictArguments {
  std::string model;
  std::vector<std::string> inputs;
  std::string output;
  bool csv = false;
  bool resume = false;
  bool exact = false;
  int32_t threads = 0;
  EngineFlags engine;
  PolicyFlags policy;
};

void add_folder(const fs::path& folder, std::vector<std::string>& files) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && has_image_name(entry->path())) found.push_back(entry->path().string());
  }
  if (error) fail_io("predict", "listing", folder, error.value());
  std::ranges::sort(found);
  files.insert(files.end(), found.begin(), found.end());
}

// A folder's images, in the order of their names; a list's lines (.txt: one path a line; .csv: the first column), paths
// relative to the list; or an image file itself.
std::vector<std::string> files_of(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    const fs::path path(input);
    std::error_code unknown;
    if (fs::is_directory(path, unknown)) {
      add_folder(path, files);
    } else if (path.extension() == ".txt" || path.extension() == ".csv") {
      const auto add = [&](const std::string& name) { files.push_back((path.parent_path() / name).string()); };
      if (path.extension() == ".csv") {
        for (const CsvRow& row : parse_csv(read_text(path), input)) {
          const bool title = row.line == 1 && (row.fields[0] == "path" || row.fields[0] == "file");
          if (!title) add(row.fields[0]);
        }
      } else {
        for (std::string line : split(read_text(path), '\n')) {
          if (line.ends_with('\r')) line.pop_back();
          if (!line.empty()) add(line);
        }
      }
    } else {
      if (!fs::exists(path, unknown)) {
        fail(Code::kNotFound, "[predict] '{}' does not exist, expected an image, a folder or a list (.txt, .csv)",
             input);
      }
      files.push_back(input);
    }
  }
  if (files.empty()) {
    fail(Code::kNotFound, "[predict] got no image (.jpg, .jpeg, .png), expected at least one; check the paths");
  }
  return files;
}

// Floats of pixels, by channel.
class Preprocessor {
 public:
  // exact: images of other sizes or channels are refused.
  Preprocessor(const Preprocessing& how, bool exact)
      : shape_(how.image_shape), exact_(exact), table_(how.mean, how.std) {}
  [[nodiscard]] size_t elements() const { return static_cast<size_t>(element_count(shape_)); }
  // Whether the file had to be converted: it has another size or other channels.
  bool read(const std::string& file, std::vector<uint8_t>& pixels, std::span<float> image) const {
    pixels.resize(elements());
    const Shape stored = read_image_file(file, shape_, pixels);
    if (exact_ && stored != shape_) {
      fail(Code::kInvalidArgument, "[predict] '{}' is {}, expected {}; convert it, or leave --exact out", file,
           to_string(stored), to_string(shape_));
    }
    table_.convert(pixels, image);
    return stored != shape_;
  }

 private:
  Shape shape_;
  bool exact_;
  PixelTable table_;
};

// What answers look like: a class, or a number in a unit.
struct AnswerForm {
  std::vector<std::string> classes;
  std::optional<Quantity> quantity;
  std::string by;  // answered_by
  bool csv = false;

  [[nodiscard]] std::string_view csv_title() const {
    return quantity ? "path,number,unit,exit,score,by,error\n" : "path,label,class,probability,exit,score,by,error\n";
  }
};

struct Line {
  const std::string& path;
  const Result* result = nullptr;  // null: the file could not be read
  std::string error;
};

std::string csv_text(const Line& line, const AnswerForm& form) {
  const std::string path = csv_field(line.path);
  if (line.result == nullptr) {
    return fmt::format("{},,,{},,,{}\n", path, form.quantity ? "" : ",", csv_field(line.error));
  }
  const Result& r = *line.result;
  const bool knows = r.left != Left::kAbstains;
  if (form.quantity) {
    return fmt::format("{},{},{},{},{:.6g},{},\n", path, knows ? fmt::format("{:.6g}", r.number) : "",
                       csv_field(form.quantity->unit), r.exit_index, r.score, form.by);
  }
  const std::string name = knows ? csv_field(form.classes[static_cast<size_t>(r.label)]) : "";
  return fmt::format("{},{},{},{:.6g},{},{:.6g},{},\n", path, r.label, name, r.probability, r.exit_index, r.score,
                     form.by);
}

// "Do not know": no class or number, but still the likeliest label.
void add_answer(nlohmann::ordered_json& json, const Result& result, const AnswerForm& form) {
  const bool knows = result.left != Left::kAbstains;
  if (form.quantity) {
    json["number"] = nullptr;
    if (knows) json["number"] = result.number;
    json["unit"] = form.quantity->unit;
    return;
  }
  json["label"] = result.label;
  json["class"] = nullptr;
  if (knows) json["class"] = form.classes[static_cast<size_t>(result.label)];
  json["probability"] = result.probability;
}

std::string text_of(const Line& line, const AnswerForm& form) {
  if (form.csv) return csv_text(line, form);
  nlohmann::ordered_json json;
  json["path"] = line.path;
  if (line.result == nullptr) {
    json["error"] = line.error;
  } else {
    add_answer(json, *line.result, form);
    json["exit"] = line.result->exit_index;
    json["score"] = line.result->score;
    json["by"] = form.by;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// How many of `files` an interrupted run has answered: whole lines at the beginning of `output`, each about the file
// whose turn it was, and answered as this run would. A last line without its end is cut off.
size_t answered_before(const PredictArguments& arguments, const std::vector<std::string>& files,
                       const AnswerForm& form) {
  std::error_code unknown;
  if (!fs::exists(arguments.output, unknown)) return 0;
  const std::string text = read_text(arguments.output);
  const size_t end = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  const std::string_view whole = std::string_view(text).substr(0, end);
  if (end > 0 && csv_columns(whole).has_value() != form.csv) {
    fail(Code::kFailedPrecondition, "[predict] '{}' {}; name another -o", arguments.output,
         form.csv ? "is no CSV as this writes it" : "is CSV, expected JSON lines");
  }
  size_t done = 0;
  for_each_answer(whole, 0, arguments.output, [&](const LoggedAnswer& answer) {
    if (done >= files.size() || answer.path != files[done]) {
      fail(Code::kFailedPrecondition,
           "[predict] line {} of '{}' is about '{}', expected '{}'; resume with the same inputs, or name another -o",
           answer.line, arguments.output, answer.path, done < files.size() ? files[done] : "nothing more");
    }
    if (answer.error.empty() && answer.by != form.by) {
      fail(Code::kFailedPrecondition,
           "[predict] line {} of '{}' was answered by '{}', expected '{}'; resume with the same model, precision and "
           "policy, or name another -o",
           answer.line, arguments.output, answer.by, form.by);
    }
    ++done;
  });
  if (end < text.size()) fs::resize_file(arguments.output, end);
  return done;
}

// Writes blocks in their order, whoever finishes first.
class OrderedWriter {
 public:
  OrderedWriter(std::ostream& out, std::string name, size_t first_block)
      : out_(out), name_(std::move(name)), next_(first_block) {}
  void put(size_t block, std::string text) SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    waiting_.emplace(block, std::move(text));
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == next_; it = waiting_.erase(it), ++next_) {
      out_ << it->second << std::flush;
      if (!out_) {
        fail(Code::kResourceExhausted, "[predict] writing {} failed; {}", name_,
             name_ == kStdout ? "is the disk full?" : "free some space, then go on with --resume");
      }
    }
  }

 private:
  Mutex mutex_;
  std::ostream& out_ SOONER_GUARDED_BY(mutex_);
  std::string name_;
  std::map<size_t, std::string> waiting_ SOONER_GUARDED_BY(mutex_);
  size_t next_ SOONER_GUARDED_BY(mutex_);
};

class Progress {
 public:
  explicit Progress(size_t files) : files_(files), shown_(isatty(STDERR_FILENO) == 1) {}
  void add(size_t count) SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    done_ += count;
    const double seconds = watch_.seconds();
    if (!shown_ || seconds - last_ < 0.2) return;
    last_ = seconds;
    const double rate = static_cast<double>(done_) / seconds;
    fmt::print(stderr, "\r{} of {} images, {:.0f} a second, {} to go   ", done_, files_, rate,
               human_seconds(static_cast<double>(files_ - done_) / rate));
  }
  void end() const {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }

 private:
  Mutex mutex_;
  size_t files_;
  size_t done_ SOONER_GUARDED_BY(mutex_) = 0;
  bool shown_;
  Stopwatch watch_;
  double last_ SOONER_GUARDED_BY(mutex_) = 0;
};

// What happened to files besides being answered.
struct Remarks {
  std::vector<std::string> faults;
  std::vector<std::string> converted;  // names
};

// What happened to all files so far; the first faults are said as they come.
class Account {
 public:
  void add(const Remarks& remarks) SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    for (const std::string& fault : remarks.faults) {
      if (++faults_ <= kNamedFaults) say(fmt::format("warning: {}", fault));
    }
    if (converted_ == 0 && !remarks.converted.empty()) first_converted_ = remarks.converted[0];
    converted_ += static_cast<int64_t>(remarks.converted.size());
  }
  // Says what is left to say; returns how many files could not be read.
  int64_t end(const Shape& shape) SOONER_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (faults_ > kNamedFaults) say(fmt::format("warning: {} more files could not be read", faults_ - kNamedFaults));
    if (converted_ > 0) {
      say(fmt::format(
          "warning: {} images, '{}' among them, are not {} and were scaled, cropped or changed in colour; --exact "
          "refuses such",
          converted_, first_converted_, to_string(shape)));
    }
    return faults_;
  }

 private:
  Mutex mutex_;
  int64_t faults_ SOONER_GUARDED_BY(mutex_) = 0;
  int64_t converted_ SOONER_GUARDED_BY(mutex_) = 0;
  std::string first_converted_ SOONER_GUARDED_BY(mutex_);
};

// Answers files[first, last); returns their lines. Adds to `remarks`.
class Worker {
 public:
  Worker(AnswerForm form, const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy,
         const SessionOptions& options, bool exact)
      : form_(std::move(form)), preprocess_(model->manifest().preprocessing, exact), session_(model, policy, options) {}

  std::string answer(std::span<const std::string> files, Remarks& remarks) {
    images_.resize(files.size() * preprocess_.elements());
    std::vector<std::string> errors(files.size());
    size_t readable = 0;
    for (size_t i = 0; i < files.size(); ++i) {
      try {
        const auto image = std::span(images_).subspan(readable * preprocess_.elements());
        if (preprocess_.read(files[i], pixels_, image)) remarks.converted.push_back(files[i]);
        ++readable;
      } catch (const Error& error) {
        errors[i] = error.what();
        remarks.faults.push_back(errors[i]);
      }
    }
    const std::span<const Result> results =
        session_.run(std::span(images_).first(readable * preprocess_.elements()), static_cast<int64_t>(readable));
    std::string text;
    size_t next = 0;
    for (size_t i = 0; i < files.size(); ++i) {
      text += text_of({files[i], errors[i].empty() ? &results[next++] : nullptr, errors[i]}, form_);
    }
    return text;
  }

 private:
  AnswerForm form_;
  Preprocessor preprocess_;
  Session session_;
  std::vector<float> images_;
  std::vector<uint8_t> pixels_;
};

// The file's name says which: .jsonl or .csv.
bool asks_for_csv(const PredictArguments& arguments) {
  const std::string& name = arguments.output;
  if (name.empty()) return arguments.csv;
  if (name.ends_with(".csv")) return true;
  if (name.ends_with(".jsonl") && !arguments.csv) return false;
  fail(Code::kInvalidArgument, "[predict] -o got '{}'{}, expected a name that ends in {}", name,
       arguments.csv ? " with --csv" : "", arguments.csv ? ".csv" : ".jsonl or .csv");
}

void run(const PredictArguments& arguments) {
  const bool csv = asks_for_csv(arguments);
  if (arguments.resume && arguments.output.empty()) {
    fail(Code::kInvalidArgument, "[predict] --resume needs -o, the file to go on with");
  }
  const ModelFile file = load_model(arguments.model);
  const PolicySpec spec =
      policy_spec(file.manifest, arguments.policy, precision_from_string(arguments.engine.precision));
  const std::vector<std::string> files = files_of(arguments.inputs);
  const auto model = Model::from_file(file, model_options(arguments.engine));
  say_doubt(file.manifest, spec, model->origin());
  const std::shared_ptr<const ExitPolicy> policy = make_policy(spec, policy_context(model->manifest()));

  const AnswerForm form{file.manifest.class_names, file.manifest.quantity, answered_by(model->origin(), *policy), csv};
  size_t done = 0;
  std::ofstream own;
  if (!arguments.output.empty()) {
    if (arguments.resume) {
      done = answered_before(arguments, files, form);
    } else if (std::error_code unknown; fs::exists(arguments.output, unknown)) {
      fail(Code::kInvalidArgument, "[predict] '{}' exists; add --resume to go on with it, or name another",
           arguments.output);
    }
    errno = 0;
    own.open(arguments.output, std::ios::app | std::ios::binary);
    if (!own) fail_io("predict", "opening", arguments.output, errno);
  }
  std::ostream& out = arguments.output.empty() ? std::cout : own;
  if (done > 0) say(fmt::format("{} of {} images are answered already", done, files.size()));
  if (csv && (done == 0 && (arguments.output.empty() || fs::file_size(arguments.output) == 0))) out << form.csv_title();

  const int32_t threads = arguments.threads > 0 ? arguments.threads : cpu_count();
  Crew crew(threads);
  std::vector<std::unique_ptr<Worker>> workers;
  const SessionOptions options{.stage_seconds = arguments.policy.stage_seconds};
  for (int32_t member = 0; member < threads; ++member) {
    workers.push_back(std::make_unique<Worker>(form, model, policy, options, arguments.exact));
  }
  OrderedWriter writer(out, arguments.output.empty() ? kStdout : fmt::format("'{}'", arguments.output), 0);
  Progress progress(files.size() - done);
  Account account;
  std::atomic<size_t> next_block = 0, answered = 0;
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
  crew.run([&](int32_t member) {
    while (!interrupted) {
      const size_t block = next_block++;
      const size_t first = done + block * kBlock;
      if (first >= files.size()) break;
      const auto part = std::span(files).subspan(first, std::min(kBlock, files.size() - first));
      Remarks remarks;
      try {
        writer.put(block, workers[static_cast<size_t>(member)]->answer(part, remarks));
      } catch (...) {
        interrupted = true;  // the others stop too
        throw;
      }
      answered += part.size();
      progress.add(part.size());
      account.add(remarks);
    }
  });
  progress.end();
  const int64_t faults = account.end(model->graph().input_shape);
  if (done + answered < files.size()) {
    fail(Code::kCancelled, "[predict] interrupted after {} of {} images; {}", done + answered.load(), files.size(),
         arguments.output.empty() ? "nothing was kept" : "add --resume to go on");
  }
  if (faults > 0) {
    fail(Code::kDataLoss, "[predict] {} of {} images could not be read; the others are answered", faults,
         files.size() - done);
  }
  say(fmt::format("{} images answered", files.size() - done));
}

}  // namespace

void add_predict(CLI::App& app) {
  const auto arguments = std::make_shared<PredictArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("inputs", arguments->inputs, "images (JPEG, PNG), folders of them, or lists (.txt, .csv)")->required();
  app.add_option("-o,--output", arguments->output, "file for the answers, .jsonl or .csv; default: standard output");
  app.add_flag("--csv", arguments->csv, "CSV instead of a JSON object a line");
  app.add_flag("--resume", arguments->resume,
               "go on where an interrupted run with the same -o, inputs, model and policy stopped");
  app.add_flag("--exact", arguments->exact,
               "refuse images of another size or other channels instead of converting them");
  app.add_option("--threads", arguments->threads, "that decode and answer; 0: every processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_engine_options(app, &arguments->engine);
  add_policy_options(app, &arguments->policy);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
