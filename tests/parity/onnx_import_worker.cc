// Imports ONNX files and answers for them, so that a script can compare the answers with another runtime's.
//
// Usage: onnx_import_worker --operations | BACKEND [PRECISION]. The first lists what is read. The second reads lines
// "FILE INPUT SAMPLES OUTPUT" from stdin, separated by tabs: INPUT holds SAMPLES images as raw fp32 [n, C, H, W]
// (channels first), OUTPUT receives the logits, raw fp32 [n, classes]. Answers every line with one on stdout: "ok
// NODES", or "error CODE MESSAGE".
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "format/new_model.h"
#include "onnx/onnx_import.h"
#include "runtime/session.h"

namespace sooner {
namespace {

std::string answer(const std::vector<std::string>& words, const std::string& backend, Precision precision) {
  ImportedNetwork network = import_onnx(std::filesystem::path(words.at(0)));
  const size_t nodes = network.graph.nodes.size();
  const auto classes = static_cast<size_t>(network.graph.classes);
  const ModelFile file = imported_model(std::move(network.graph), std::move(network.tensors), {});
  const int64_t n = std::stoll(words.at(2));
  const std::vector<std::byte> raw = read_file(words.at(1));
  const std::span<const float> input{reinterpret_cast<const float*>(raw.data()), raw.size() / sizeof(float)};
  Session session(Model::from_file(file, {.backend = backend, .precision = precision, .batch_max = 8}));
  std::vector<float> logits(static_cast<size_t>(n) * classes);
  session.run_all_exits(input, n, logits, {});
  write_file_atomically(words.at(3),
                        [&](FileSink& sink) { sink.write(std::as_bytes(std::span<const float>(logits))); });
  return fmt::format("ok {}", nodes);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  const std::string backend = argc > 1 ? argv[1] : "ref";
  if (backend == "--operations") {
    for (const std::string& name : sooner::imported_operations()) fmt::print("{}\n", name);
    return 0;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string reply;
    try {
      const auto precision = sooner::precision_from_string(argc > 2 ? argv[2] : "fp32");
      reply = sooner::answer(sooner::split(line, '\t'), backend, precision);
    } catch (const sooner::Error& error) {
      reply = fmt::format("error {} {}", sooner::to_string(error.code()), error.what());
    }
    fmt::print("{}\n", reply);
    std::fflush(stdout);
  }
  return 0;
}
