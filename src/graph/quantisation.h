// How the maps of a network are written down in 8 bits: one step width per map, measured on samples (quantize room),
// kept in the model file, used by a backend that computes in int8. Weights are no part of it: they follow from the fp32
// weights alone.
//
// A number x stands as the nearest whole q to x / scale, within 0 to 255, or -128 to 127 when `is_signed`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sooner {

struct MapScale {
  double scale = 1;  // > 0
  bool is_signed = false;
  bool operator==(const MapScale&) const = default;
};

struct Quantisation {
  std::string method;  // "min-max", "percentile", "mse"
  // On whose maps.
  std::string data_set;
  std::string split_hash;
  int64_t samples = 0;
  std::string model_hash;                  // of graph and weights (format/model_file.h)
  std::map<std::string, MapScale> scales;  // by the name of the node that gives the map
  bool operator==(const Quantisation&) const = default;
};

// Scales within these bounds keep every product of three of them a normal float.
inline constexpr double kSmallestScale = 1e-12;
inline constexpr double kLargestScale = 1e12;

// What a quantisation may call its method.
inline const std::vector<std::string>& quantisation_methods() {
  static const std::vector<std::string> names{"min-max", "percentile", "mse"};
  return names;
}

}  // namespace sooner
