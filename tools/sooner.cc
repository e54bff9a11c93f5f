// The lean program: everything but training, which `sooner train` hands to sooner-train.
#include <fmt/ranges.h>

#include <array>

#include "cli/output.h"
#include "cli/program.h"
#include "command.h"
#include "core/text.h"
#include "policy/exit_policy.h"

namespace sooner {
namespace {

constexpr std::array<CommandRow, 18> kCommands{{
    {"train", "train a network from a TOML config (hands over to sooner-train)",
     "sooner train configs/fashion_differentiable.toml --data-dir ~/data", add_train},
    {"import", "read a network trained elsewhere: an ONNX file, or weights by name",
     "sooner import resnet18.onnx -o resnet18.safetensors --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
     add_import},
    {"attach", "give a trained network early exits, priced, and write the configuration that trains them",
     "sooner attach resnet18.safetensors --exits linear:3 --head conv-gap-fc --data folder:photos -o exits.safetensors",
     add_attach},
    {"cascade", "make one model of whole networks, each asked only where those before were not sure",
     "sooner cascade small.safetensors large.safetensors -o cascade.safetensors", add_cascade},
    {"tune", "choose thresholds on the calibration split and store them in the model file",
     "sooner tune model.safetensors --policy max-prob --drop 0.3", add_tune},
    {"exits", "what each early exit costs and saves, which are worth having, and the model with those alone",
     "sooner exits model.safetensors --greedy --drop 0.3 -o fewer.safetensors", add_exits},
    {"quantize", "measure int8 scales on the training split and choose thresholds anew for int8",
     "sooner quantize model.safetensors -o model_int8.safetensors", add_quantize},
    {"eval", "answer a split with real exits: accuracy, executed MACs, exit shares, curves",
     "sooner eval model.safetensors --split test --curve max-prob", add_eval},
    {"predict", "answer images, folders or lists of them, one line each; can be interrupted and go on",
     "sooner predict model.safetensors photos/ -o answers.jsonl", add_predict},
    {"drift", "compare answers in service with the calibration's scores and exit shares",
     "sooner drift answers.jsonl model.safetensors", add_drift},
    {"bench", "time a model with its exits against the same network without",
     "sooner bench model.safetensors --plain plain.safetensors --batch 1,16,128", add_bench},
    {"profile", "time every step of every stage, as a table or a file that a planner can read",
     "sooner profile model.safetensors --precision bf16 --json", add_profile},
    {"describe", "draw the network with its exits: stages, shapes, MACs, bytes, thresholds",
     "sooner describe model.safetensors", add_describe},
    {"check", "compare backends and the trainer's recorded logits on real samples", "sooner check model.safetensors",
     add_check},
    {"export", "write the network for other runtimes: ONNX, whole or stage by stage, or its weights by name",
     "sooner export model.safetensors --plain -o plain.onnx", add_export},
    {"data", "open a data set and show its splits, classes and hashes", "sooner data fashion-mnist --data-dir ~/data",
     add_data},
    {"compare", "train configurations with several seeds, or take runs that are there, and hold them side by side",
     "sooner compare configs/cifar10_*.toml --seeds 1,2,3 --out runs/cifar10", add_compare},
    {"report", "evaluate runs and write one HTML page",
     "sooner report runs/cifar10-1 --plain runs/plain-1 -o report.html", add_report},
}};

void print_topics() {
  std::vector<std::string> deciding;
  for (const std::string& name : policy_names()) {
    if (has_thresholds(name)) deciding.push_back(name);
  }
  fmt::print(
      "exits     A network is cut into stages; each ends at an exit with a head that answers. Exits count from 0.\n"
      "policies  {} decide per sample whether to leave;\n"
      "          any(...), all(...) combine them; always, never are for tables.\n"
      "numbers   A regression answers with a number; patience leaves when it changes by little; any, all, always, "
      "never.\n"
      "splits    train, validation, tune and guarantee (the halves of calibration), test. Thresholds see tune only.\n"
      "cost      C_k: MACs of answering at exit k, every head on the way paid, over the plain network's MACs.\n"
      "files     a model is one .safetensors file with a manifest; docs/model_format.md describes it byte by byte.\n"
      "data      --data-dir or $SOONER_DATA names the folder with mnist/, fashion-mnist/, cifar-10/; glyphs need "
      "none.\n"
      "codes     exit code 0: done; 1: failed; 2: wrong usage. Results go to stdout, talk goes to stderr.\n",
      fmt::join(deciding, ", "));
}

void print_completion() {
  std::string names;
  for (const CommandRow& row : kCommands) names += std::string(row.name) + ' ';
  fmt::print(
      "# bash: eval \"$(sooner completion bash)\"\n"
      "_sooner() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"{}help completion\" -- \"$word\"))\n"
      "  elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$(sooner \"${{COMP_WORDS[1]}}\" --help 2>/dev/null |"
      " grep -oE -- '--[a-z-]+')\" -- \"$word\"))\n"
      "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
      "}}\n"
      "complete -o filenames -F _sooner sooner\n",
      names);
}

int run(int argc, char** argv) {
  CLI::App app("sooner: networks that answer at the first exit that is sure enough", "sooner");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("sooner ") + SOONER_VERSION);
  app.footer("`sooner COMMAND --help` shows a command's options with an example; `sooner help topics` explains terms.");
  std::vector<std::string> names;
  for (const CommandRow& row : kCommands) {
    CLI::App* command = app.add_subcommand(row.name, row.summary);
    command->footer(std::string("Example: ") + row.example);
    row.add(*command);
    names.emplace_back(row.name);
  }
  std::string topic;
  CLI::App* help = app.add_subcommand("help", "`help topics` explains the terms; `help COMMAND` shows its options");
  help->add_option("topic", topic, "topics, or a command");
  help->callback([&] {
    if (topic.empty()) {
      fmt::print("{}", app.help());
    } else if (topic == "topics") {
      print_topics();
    } else if (std::find(names.begin(), names.end(), topic) != names.end()) {
      fmt::print("{}", app.get_subcommand(topic)->help());
    } else {
      names.emplace_back("topics");
      fail(Code::kInvalidArgument, "[help] '{}' is unknown; {}", topic, suggest(topic, names));
    }
  });
  std::string shell = "bash";
  CLI::App* completion = app.add_subcommand("completion", "print a shell completion script");
  completion->add_option("shell", shell, "bash")->check(CLI::IsMember({"bash"}));
  completion->callback(print_completion);
  if (argc > 1 && argv[1][0] != '-') {
    const std::string asked = argv[1];
    std::vector<std::string> known = names;
    known.insert(known.end(), {"help", "completion"});
    if (std::find(known.begin(), known.end(), asked) == known.end()) {
      fail(Code::kInvalidArgument, "[sooner] command '{}' is unknown; {}", asked, suggest(asked, known));
    }
  }
  refuse_empty_values(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> asked = app.get_subcommands();
    say(fmt::format("sooner: {}; see `sooner {}--help`", usage_error(asked.empty() ? app : *asked[0], error),
                    asked.empty() ? "" : asked[0]->get_name() + " "));
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  return sooner::run_program("sooner", "try a smaller --batch or data set", [&] { return sooner::run(argc, argv); });
}
