// This engine as one contender of a comparison: a process that computes when it is told to, and only then.
//
//   engine_worker MODEL FOLDER [--plain] [--precision P] [--batch N] [--threads N] [--samples N] [--policy …]
//
// FOLDER is dump_samples'. Commands are lines on stdin, answers are lines of JSON on stdout:
//
//   (start)        {"contender": …, "precision": …, "exit_fraction": […], …}
//   answers PATH   PATH gets the logits of all samples as raw floats [n, classes], PATH.exits the exits taken as int32
//   run K          K passes over the first samples in whole batches: {"call_us": [[…]], "cpu_us": […], "right": n}
//                  with the times of the calls and the processor time of each pass, and the right answers of the last
//
// The end of stdin ends it. With several threads every call's samples are shared out, one session a thread; a call of
// fewer than four samples uses one thread.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/cpu.h"
#include "core/file.h"
#include "runtime/session.h"
#include "tools/command.h"
#include "tools/engine_flags.h"
#include "tools/policy_flags.h"

namespace sooner {
namespace {

struct WorkerArguments {
  std::string model;
  std::filesystem::path folder;
  bool plain = false;
  int32_t threads = 1;
  int64_t samples = 512;
  EngineFlags engine;
  PolicyFlags policy;
};

template <typename T>
std::vector<T> read_raw(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

double process_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Some sessions of one model, each on a thread of its own, the caller's among them. A call's samples are cut into
// pieces that whoever is free takes: where the others are not scheduled in time, the caller does all of it.
class Team {
 public:
  Team(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy, int32_t threads,
       int64_t batch)
      : image_(static_cast<size_t>(element_count(model->graph().input_shape))),
        classes_(static_cast<size_t>(model->graph().classes)),
        results_(static_cast<size_t>(batch)),
        logits_(static_cast<size_t>(batch) * classes_) {
    for (int32_t i = 0; i < threads; ++i) sessions_.push_back(std::make_unique<Session>(model, policy));
    for (size_t i = 1; i < sessions_.size(); ++i) helpers_.emplace_back([this, i] { help(*sessions_[i]); });
  }
  ~Team() {
    ended_ = true;
    publish(0);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Answers n samples [n, C, H, W], at most a batch; blocks.
  void run(const float* images, int64_t n) {
    images_ = images;
    n_ = n;
    // Two pieces a thread even out samples that leave early; a few samples are not worth waking anybody.
    const auto pieces = static_cast<int64_t>(sessions_.size() == 1 || n < 4 ? 1 : 2 * sessions_.size());
    piece_ = (n + pieces - 1) / pieces;
    const auto count = static_cast<uint32_t>((n + piece_ - 1) / piece_);
    unfinished_ = count;
    if (count == 1) {
      compute(*sessions_[0], 0);
      return;
    }
    publish(count);
    while (take(*sessions_[0])) {
    }
    for (uint32_t left = unfinished_; left > 0; left = unfinished_) unfinished_.wait(left);
  }

  // Of the latest run.
  [[nodiscard]] std::span<const Result> results() const { return std::span(results_).first(static_cast<size_t>(n_)); }
  [[nodiscard]] std::span<const float> logits() const {
    return std::span(logits_).first(static_cast<size_t>(n_) * classes_);
  }

 private:
  // A ticket is the number of the run above the number of pieces nobody has taken.
  static constexpr uint64_t kPieces = 0xffffffffU;

  void publish(uint32_t pieces) {
    ticket_ = ((ticket_ >> 32U) + 1) << 32U | pieces;
    ticket_.notify_all();
  }
  // Takes and computes one piece; false when there is none.
  bool take(Session& session) {
    uint64_t ticket = ticket_;
    while ((ticket & kPieces) != 0) {
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1)) continue;
      compute(session, static_cast<int64_t>(ticket & kPieces) - 1);
      if (unfinished_.fetch_sub(1) == 1) unfinished_.notify_one();
      return true;
    }
    return false;
  }
  void compute(Session& session, int64_t piece) {
    const int64_t first = piece * piece_;
    const int64_t count = std::min(piece_, n_ - first);
    const auto begin = static_cast<size_t>(first);
    const std::span<const float> images(images_ + begin * image_, static_cast<size_t>(count) * image_);
    std::ranges::copy(session.run(images, count), results_.begin() + static_cast<ptrdiff_t>(begin));
    std::ranges::copy(session.logits(), logits_.begin() + static_cast<ptrdiff_t>(begin * classes_));
  }
  void help(Session& session) {
    while (!ended_) {
      const uint64_t seen = ticket_;
      if (!take(session)) ticket_.wait(seen);
    }
  }

  size_t image_;    // floats of one sample
  size_t classes_;  // floats of one answer
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Result> results_;  // [batch]
  std::vector<float> logits_;    // [batch, classes]
  const float* images_ = nullptr;
  int64_t n_ = 0;
  int64_t piece_ = 1;  // samples
  std::atomic<uint64_t> ticket_{0};
  std::atomic<uint32_t> unfinished_{0};  // pieces of this run
  std::atomic<bool> ended_{false};
  std::vector<std::jthread> helpers_;  // last: they end before what they use
};

class Worker {
 public:
  explicit Worker(const WorkerArguments& arguments)
      : batch_(arguments.engine.batch),
        images_(read_raw<float>(arguments.folder / "images.f32")),
        labels_(read_raw<int32_t>(arguments.folder / "labels.i32")) {
    ModelFile file = load_model(arguments.model);
    PolicySpec policy = policy_spec(file.manifest, arguments.policy, precision_from_string(arguments.engine.precision));
    if (arguments.plain) {
      file.manifest.graph = plain_backbone(file.manifest.graph);
      policy = {};
    }
    model_ = Model::from_file(file, model_options(arguments.engine));
    image_ = static_cast<size_t>(element_count(model_->graph().input_shape));
    if (labels_.empty() || images_.size() != labels_.size() * image_) {
      fail(Code::kFailedPrecondition, "[worker] '{}' holds {} floats for {} labels, expected images of {}",
           arguments.folder.string(), images_.size(), labels_.size(), to_string(model_->graph().input_shape));
    }
    const int64_t wanted = std::min(arguments.samples, static_cast<int64_t>(labels_.size()));
    samples_ = std::max<int64_t>(batch_, wanted / batch_ * batch_);
    if (samples_ > static_cast<int64_t>(labels_.size())) {
      fail(Code::kInvalidArgument, "[worker] batch {} is more than the {} samples there are", batch_, labels_.size());
    }
    team_ =
        std::make_unique<Team>(model_, make_policy(policy, policy_context(model_->graph())), arguments.threads, batch_);
    const bool exits = model_->graph().exits() > 1 && policy.name != "never";
    hello_["contender"] = exits ? "sooner, exits" : "sooner";
    hello_["version"] = file.manifest.provenance.sooner_version;
    hello_["precision"] = to_string(model_->precision());
    hello_["backend"] = model_->backend_name();
    hello_["cpu"] = cpu_name();
    hello_["instruction_sets"] = to_string(cpu_features());
    hello_["policy"] = policy.name;
    hello_["exit_fraction"] = model_->cost().exit_fraction;
    hello_["samples"] = samples_;
  }

  [[nodiscard]] const nlohmann::ordered_json& hello() const { return hello_; }

  nlohmann::ordered_json answer(const std::string& command) {
    if (command.starts_with("answers ")) return write_answers(command.substr(8));
    if (command.starts_with("run ")) return time_passes(std::stoi(command.substr(4)));
    fail(Code::kInvalidArgument, "[worker] got the command '{}', expected 'answers PATH' or 'run K'", command);
  }

 private:
  nlohmann::ordered_json write_answers(const std::string& path) {
    const auto n = static_cast<int64_t>(labels_.size());
    const auto classes = static_cast<size_t>(model_->graph().classes);
    std::vector<float> logits(labels_.size() * classes);
    std::vector<int32_t> exits(labels_.size());
    for (int64_t at = 0; at < n; at += batch_) {
      team_->run(images_.data() + static_cast<size_t>(at) * image_, std::min<int64_t>(batch_, n - at));
      std::ranges::copy(team_->logits(), logits.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(at) * classes));
      auto exit_index = exits.begin() + at;
      for (const Result& result : team_->results()) *exit_index++ = result.exit_index;
    }
    write_file_atomically(path, [&](FileSink& sink) { sink.write(std::as_bytes(std::span(logits))); });
    write_file_atomically(path + ".exits", [&](FileSink& sink) { sink.write(std::as_bytes(std::span(exits))); });
    return {{"samples", n}};
  }

  nlohmann::ordered_json time_passes(int passes) {
    using Clock = std::chrono::steady_clock;
    nlohmann::ordered_json answer{{"call_us", nlohmann::ordered_json::array()}};
    int64_t right = 0;
    for (int pass = 0; pass < passes; ++pass) {
      std::vector<double> calls;
      calls.reserve(static_cast<size_t>(samples_ / batch_));
      right = 0;
      double cpu = 0;
      for (int64_t at = 0; at < samples_; at += batch_) {
        const double cpu_begin = process_seconds();
        const auto begin = Clock::now();
        team_->run(images_.data() + static_cast<size_t>(at) * image_, batch_);
        calls.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        cpu += process_seconds() - cpu_begin;
        auto label = labels_.begin() + at;
        for (const Result& result : team_->results()) right += result.label == *label++ ? 1 : 0;
      }
      answer["call_us"].push_back(calls);
      answer["cpu_us"].push_back(cpu * 1e6);
    }
    answer["right"] = right;
    return answer;
  }

  int64_t batch_;
  std::vector<float> images_;    // [n, C, H, W]
  std::vector<int32_t> labels_;  // [n]
  std::shared_ptr<const Model> model_;
  size_t image_ = 0;     // floats of one sample
  int64_t samples_ = 0;  // of one pass
  std::unique_ptr<Team> team_;
  nlohmann::ordered_json hello_;
};

int run(int argc, char** argv) {
  CLI::App app("this engine, computing on command", "engine_worker");
  WorkerArguments arguments;
  app.add_option("model", arguments.model, "a .safetensors model")->required();
  app.add_option("folder", arguments.folder, "what dump_samples wrote")->required();
  app.add_flag("--plain", arguments.plain, "the backbone without its exits");
  app.add_option("--threads", arguments.threads, "sessions side by side")->check(CLI::Range(1, 256));
  app.add_option("--samples", arguments.samples, "of one timed pass")->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  add_engine_options(app, &arguments.engine);
  add_policy_options(app, &arguments.policy);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  Worker worker(arguments);
  std::cout << worker.hello().dump() << std::endl;  // a line must be out before the next command can come
  for (std::string command; std::getline(std::cin, command);) {
    std::cout << worker.answer(command).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  try {
    return sooner::run(argc, argv);
  } catch (const sooner::Error& error) {
    sooner::say(fmt::format("engine_worker: {}", error.what()));
    return sooner::exit_code(error);
  } catch (const std::exception& error) {
    sooner::say(fmt::format("engine_worker: {}", error.what()));
    return 1;
  }
}
