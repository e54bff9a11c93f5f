// A row of places, each with a gain (an integer of any sign) and a saving (a number >= 0), that answers in logarithmic
// time: how long may a prefix be, if its gains must add up to at least so much? Places change one at a time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace sooner {

// Not thread-safe. Memory is kept between uses.
class PrefixTree {
 public:
  struct Prefix {
    size_t places = 0;
    int64_t gain = 0;
    double saving = 0;
  };

  // Makes `places` empty places.
  void reset(size_t places) {
    places_ = places;
    width_ = std::bit_ceil(std::max<size_t>(places, 1));
    nodes_.assign(2 * width_, Node{});
  }
  // Adds to a place without bringing sums up to date; call build() after the last one.
  void fill(size_t place, int32_t gain, double saving) {
    nodes_[width_ + place].gain += gain;
    nodes_[width_ + place].saving += saving;
  }
  void build() {
    for (size_t leaf = width_; leaf < 2 * width_; ++leaf) nodes_[leaf].best = nodes_[leaf].gain;
    for (size_t node = width_ - 1; node > 0; --node) join(node);
  }
  void add(size_t place, int32_t gain, double saving) {
    size_t node = width_ + place;
    nodes_[node].gain += gain;
    nodes_[node].saving += saving;
    nodes_[node].best = nodes_[node].gain;
    while ((node /= 2) > 0) join(node);
  }
  // Savings of all places.
  [[nodiscard]] double total_saving() const { return nodes_[1].saving; }

  // The longest prefix, perhaps empty, whose gains add up to at least `needed`; nothing when there is none.
  [[nodiscard]] std::optional<Prefix> longest(int64_t needed) const {
    if (nodes_[1].best < needed) {
      if (needed <= 0) return Prefix{};
      return std::nullopt;
    }
    Prefix prefix;
    size_t node = 1;
    while (node < width_) {
      const Node& left = nodes_[2 * node];
      node *= 2;
      if (prefix.gain + left.gain + nodes_[node + 1].best >= needed) {
        prefix.gain += left.gain;
        prefix.saving += left.saving;
        ++node;
      }
    }
    prefix.gain += nodes_[node].gain;
    prefix.saving += nodes_[node].saving;
    prefix.places = std::min(places_, node - width_ + 1);
    return prefix;
  }

 private:
  struct Node {
    int64_t gain = 0;
    int64_t best = 0;  // largest gain of a non-empty prefix of this node's places
    double saving = 0;
  };

  void join(size_t node) {
    const Node& left = nodes_[2 * node];
    const Node& right = nodes_[2 * node + 1];
    nodes_[node] = {left.gain + right.gain, std::max(left.best, left.gain + right.best), left.saving + right.saving};
  }

  size_t places_ = 0;
  size_t width_ = 1;
  std::vector<Node> nodes_ = std::vector<Node>(2);  // a heap: children of i are 2i and 2i + 1; leaves from width_ on
};

}  // namespace sooner
