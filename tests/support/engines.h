// Every backend of this build in every precision that this machine has, for suites of parameters.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace sooner::test {

struct Engine {
  std::string backend;
  Precision precision = Precision::kF32;
  std::string network = {};  // what it is to run, where a suite says so
};

inline void PrintTo(const Engine& engine, std::ostream* out) {
  *out << engine.backend << ' ' << to_string(engine.precision);
  if (!engine.network.empty()) *out << ' ' << engine.network;
}

// One for each network, in the order of backends and precisions. `but`: left out.
inline std::vector<Engine> engines(std::initializer_list<const char*> networks = {""}, const std::string& but = "") {
  std::vector<Engine> result;
  for (const std::string& name : backend_names()) {
    if (name == "auto" || name == but) continue;
    for (const Precision precision : {Precision::kF32, Precision::kBF16, Precision::kInt8}) {
      if (!make_backend(name)->supports(precision)) continue;
      for (const char* network : networks) result.push_back({name, precision, network});
    }
  }
  return result;
}

// What a test is called by: letters, digits and underscores.
inline std::string engine_name(const testing::TestParamInfo<Engine>& info) {
  const Engine& engine = info.param;
  std::string name = engine.backend + "_" + std::string(to_string(engine.precision));
  if (!engine.network.empty()) name += "_" + engine.network;
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

}  // namespace sooner::test
