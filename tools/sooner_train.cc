// The program that trains: reads a configuration, leaves a run folder, prints where the model is.
//
// Exit code 0: done, 1: failed or stopped, 2: wrong usage or configuration.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <optional>

#include "cli/program.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "recipe/network_source.h"
#include "recipe/train_config.h"
#include "run/environment.h"
#include "run/run_folder.h"
#include "train/trainer.h"

namespace sooner {
namespace {

// To stderr; nothing where nobody can be told.
void tell(const std::string& text) { std::fputs(text.c_str(), stderr); }

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// The first signal asks; the handler is gone then, so that the second one stops at once.
extern "C" void ask_to_stop(int) {
  stop_asked.store(true);
  constexpr std::string_view text = "\nfinishing this step and saving; once more stops at once\n";
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

// A bar on a terminal, lines elsewhere, nothing when quiet.
class Display final : public TrainingListener {
 public:
  explicit Display(bool quiet) : quiet_(quiet), bar_(!quiet && ::isatty(STDERR_FILENO) != 0) {}
  ~Display() override { clear_bar(); }

  void on_line(std::string_view line) override {
    // A warning is worth saying even then.
    if (quiet_ && !line.starts_with("warning")) return;
    clear_bar();
    tell(fmt::format("{}\n", line));
  }

  void on_step(const StepReport& r) override {
    if (!bar_) return;
    constexpr int64_t kWidth = 24;
    const int64_t full = r.step * kWidth / std::max<int64_t>(1, r.total_steps);
    std::string exits;
    for (size_t k = 0; k < r.exit_loss.size(); ++k) {
      if (std::isnan(r.exit_loss[k])) continue;  // left out by this phase
      exits += fmt::format("  exit {} {:.3f} {}", k, r.exit_loss[k], quality_text(r.quantity, r.exit_quality[k], 1));
    }
    tell(fmt::format("\r\x1b[K[{:=<{}}{:{}}] epoch {}/{}  {:.0f} images/s  {} left{}", "", full, "", kWidth - full,
                     r.epoch, r.epochs, r.images_per_second, human_seconds(r.seconds_left), exits));
    drawn_ = true;
  }

 private:
  void clear_bar() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

  bool quiet_;
  bool bar_;
  bool drawn_ = false;
};

struct Arguments {
  std::string config;
  std::vector<std::string> sets;
  std::string data_dir;
  std::string out;
  std::string runs = "runs";
  std::string resume;
  std::string device;
  int threads = -1;
  bool reuse = false;
  bool quiet = false;
  bool print_config = false;
  bool check = false;
};

void add_options(CLI::App& app, Arguments& a) {
  app.add_option("config", a.config, "configuration, such as configs/fashion_differentiable.toml");
  app.add_option("--set", a.sets, "change one option of it: section.key=value; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--data-dir", a.data_dir, "folder that holds mnist/, fashion-mnist/, cifar-10/; default $SOONER_DATA");
  app.add_option("--out", a.out, "run folder to make; default: the next runs/<name>-<n>");
  app.add_option("--resume", a.resume, "continue this run folder from its last checkpoint");
  app.add_flag("--reuse", a.reuse,
               "with --out: where that folder holds a run of this configuration, leave it when it is finished and "
               "continue it when it is not");
  app.add_option("--device", a.device, "cpu, cuda or auto");
  app.add_option("--threads", a.threads, "threads for arithmetic; 0: every processor")->check(CLI::Range(0, 1024));
  app.add_flag("--quiet", a.quiet, "say nothing but warnings and errors");
  app.add_flag("--print-config", a.print_config, "print the resolved configuration and stop");
  app.add_flag("--check", a.check, "say nothing if this configuration can be trained, and stop");
  app.set_version_flag("--version", std::string("sooner-train ") + SOONER_VERSION);
  app.footer("Example: sooner train configs/fashion_differentiable.toml --set train.epochs=3 --data-dir ~/data");
}

std::vector<std::string> all_sets(const Arguments& a) {
  std::vector<std::string> sets = a.sets;
  if (!a.data_dir.empty()) sets.push_back("data.data_dir=" + a.data_dir);
  if (!a.device.empty()) sets.push_back("train.device=" + a.device);
  if (a.threads >= 0) sets.push_back("train.threads=" + std::to_string(a.threads));
  return sets;
}

void print_result(const RunFolder& folder) {
  fmt::print("run: {}\nmodel: {}\n", folder.path().string(), folder.model().string());
}

// Of the model that a run started from; "" where it does not say.
std::string recorded_start(const RunFolder& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder.environment(), ignored)) return "";
  return read_environment(folder.environment()).identity.start_hash;
}

// False where there is no run; throws for one of another configuration.
bool holds_same_run(const std::filesystem::path& path, const TrainConfig& config) {
  std::error_code ignored;
  if (!std::filesystem::exists(path / "config.toml", ignored)) return false;
  const TrainConfig there = load_config(RunFolder::open(path).config());
  if (config_hash(there) != config_hash(config)) {
    fail(Code::kFailedPrecondition,
         "[sooner-train] '{}' holds a run of another configuration ({}, this one is {}); name another folder, or "
         "remove it",
         path.string(), config_hash(there), config_hash(config));
  }
  const std::string start = start_hash(config), then = recorded_start(RunFolder::open(path));
  if (start != then) {
    fail(Code::kFailedPrecondition,
         "[sooner-train] '{}' holds a run that started from other weights ({}, '{}' has {}); name another folder, or "
         "remove it",
         path.string(), then.empty() ? "unknown" : then, config.train.start, start);
  }
  return true;
}

// What was done to the model since, thresholds and scales, is not to be lost by finishing once more. A changed
// configuration is for the trainer to refuse.
bool is_finished(const RunFolder& folder, const TrainConfig& config) {
  std::error_code ignored;
  return std::filesystem::exists(folder.model(), ignored) &&
         config_hash(load_config(folder.config())) == config_hash(config);
}

int run(const Arguments& a) {
  if (a.config.empty() == a.resume.empty()) {
    fail(Code::kInvalidArgument, "[sooner-train] expected a configuration or --resume RUN, and not both; see --help");
  }
  if (!a.resume.empty() && !a.out.empty()) {
    fail(Code::kInvalidArgument, "[sooner-train] --out cannot be combined with --resume: a run stays in its folder");
  }
  if (a.reuse && a.out.empty()) {
    fail(Code::kInvalidArgument, "[sooner-train] --reuse needs --out, the folder that may hold the run");
  }
  // Before anything in the folder is touched.
  std::optional<RunLock> lock;
  if (!a.resume.empty() || a.reuse) lock.emplace(a.resume.empty() ? a.out : a.resume);
  const TrainConfig config =
      load_config(a.resume.empty() ? std::filesystem::path(a.config) : RunFolder::open(a.resume).config(), all_sets(a));
  if (a.print_config) {
    fmt::print("{}", to_toml(config));
    return 0;
  }
  const bool found = a.reuse && holds_same_run(a.out, config);
  if (a.check) {
    if (!found) check_training(config);
    return 0;
  }
  const std::string& there = found ? a.out : a.resume;
  if (!there.empty() && is_finished(RunFolder::open(there), config)) {
    if (!a.quiet && !found) std::fputs("this run is finished; its model is left as it is\n", stderr);
    print_result(RunFolder::open(there));
    return 0;
  }
  const bool resume = found || !a.resume.empty();
  const RunFolder folder = resume          ? RunFolder::open(found ? a.out : a.resume)
                           : a.out.empty() ? RunFolder::create_numbered(a.runs, config.name)
                                           : RunFolder::create(a.out);
  if (!resume) lock.emplace(folder.path());
  if (!resume) write_file_atomically(folder.config(), to_toml(config));
  catch_signals();
  Display display(a.quiet);
  display.on_line(fmt::format("run folder: {}", folder.path().string()));
  TrainResult result;
  try {
    result = train(config, folder, {.resume = resume, .stop = &stop_asked, .listener = &display});
  } catch (...) {
    if (!resume) folder.discard_if_unused();
    throw;
  }
  if (result.interrupted) return 1;
  print_result(folder);
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("trains a network with early exits", "sooner-train");
  Arguments arguments;
  add_options(app, arguments);
  refuse_empty_values(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    tell(fmt::format("sooner-train: {}; see `sooner train --help`\n", usage_error(app, error)));
    return 2;
  }
  return run(arguments);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  return sooner::run_program("sooner-train", "lower train.batch_size", [&] { return sooner::run(argc, argv); });
}
