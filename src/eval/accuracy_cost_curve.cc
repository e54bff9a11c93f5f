#include "eval/accuracy_cost_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "core/error.h"

namespace sooner {
namespace {

// Where the line from a to b stands at x; a itself when both have the same x.
double on_line(double x, double ax, double ay, double bx, double by) {
  return bx > ax ? ay + (by - ay) * (x - ax) / (bx - ax) : ay;
}

// On straight lines through points from cheap to dear.
std::optional<double> on_line_through(std::span<const CurvePoint> points, double cost) {
  if (points.empty() || !(cost >= points.front().cost)) return std::nullopt;
  for (size_t i = 1; i < points.size(); ++i) {
    if (cost < points[i].cost) {
      return on_line(cost, points[i - 1].cost, points[i - 1].quality, points[i].cost, points[i].quality);
    }
  }
  return points.back().quality;
}

// Which points no other beats by what is expected of them.
std::vector<bool> expected_front(std::span<const OperatingPoint> points) {
  std::vector<size_t> order(points.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return std::tie(points[a].cost, points[b].quality) < std::tie(points[b].cost, points[a].quality);
  });
  std::vector<bool> front(points.size());
  double best = -std::numeric_limits<double>::infinity();
  for (const size_t i : order) {
    front[i] = points[i].quality > best;
    best = std::max(best, points[i].quality);
  }
  return front;
}

}  // namespace

std::vector<CurvePoint> accuracy_cost_curve(const LogitTable& table, std::span<const OperatingPoint> points) {
  validate(table);
  const PolicyContext context = policy_context(table);
  std::vector<CurvePoint> curve;
  const std::vector<bool> front = expected_front(points);
  for (size_t i = 0; i < points.size(); ++i) {
    const OperatingPoint& point = points[i];
    Replay result = replay(table, *make_policy(point.spec, context));
    curve.push_back({.cost = result.cost,
                     .quality = result.quality,
                     .shares = std::move(result.shares),
                     .spec = point.spec,
                     .label = point.label,
                     .front = front[i]});
  }
  return curve;
}

std::vector<CurvePoint> pareto_front(std::span<const CurvePoint> points) {
  std::vector<CurvePoint> sorted(points.begin(), points.end());
  std::sort(sorted.begin(), sorted.end(), [](const CurvePoint& a, const CurvePoint& b) {
    return std::tie(a.cost, b.quality, a.label) < std::tie(b.cost, a.quality, b.label);
  });
  std::vector<CurvePoint> front;
  for (CurvePoint& point : sorted) {
    if (front.empty() || point.quality > front.back().quality) front.push_back(std::move(point));
  }
  return front;
}

std::optional<size_t> knee(std::span<const CurvePoint> front) {
  if (front.size() < 3) return std::nullopt;
  const double cost_span = front.back().cost - front.front().cost;
  const double accuracy_span = front.back().quality - front.front().quality;
  const auto height = [&](const CurvePoint& point) {
    return (point.quality - front.front().quality) / accuracy_span - (point.cost - front.front().cost) / cost_span;
  };
  const auto highest = std::ranges::max_element(front, {}, height);
  return static_cast<size_t>(highest - front.begin());
}

std::optional<CurvePoint> best_within(std::span<const CurvePoint> points, double cost) {
  std::optional<CurvePoint> best;
  for (const CurvePoint& point : pareto_front(points)) {
    if (point.cost <= cost) best = point;
  }
  return best;
}

std::optional<double> accuracy_at_cost(std::span<const CurvePoint> points, double cost) {
  return on_line_through(pareto_front(points), cost);
}

std::optional<double> accuracy_between(std::span<const CurvePoint> points, double cost) {
  std::vector<CurvePoint> sorted(points.begin(), points.end());
  std::ranges::stable_sort(sorted, {}, &CurvePoint::cost);
  return on_line_through(sorted, cost);
}

std::optional<double> cost_at_accuracy(std::span<const CurvePoint> points, double accuracy) {
  const std::vector<CurvePoint> front = pareto_front(points);
  if (front.empty() || !(accuracy <= front.back().quality)) return std::nullopt;
  const auto reached =
      std::find_if(front.begin(), front.end(), [&](const CurvePoint& p) { return p.quality >= accuracy; });
  if (reached == front.begin()) return reached->cost;
  const CurvePoint& before = *(reached - 1);
  return on_line(accuracy, before.quality, before.cost, reached->quality, reached->cost);
}

std::optional<double> mean_accuracy(std::span<const CurvePoint> points, double low, double high) {
  if (!(low < high)) fail(Code::kInvalidArgument, "[curve] got costs {} to {}, expected a rising range", low, high);
  const std::vector<CurvePoint> front = pareto_front(points);
  const std::optional<double> first = on_line_through(front, low);
  if (!first) return std::nullopt;
  // Trapezoids between the ends and the points inside: exact on straight lines.
  double area = 0;
  double from = low;
  double from_accuracy = *first;
  const auto add = [&](double to, double to_accuracy) {
    area += (to - from) * (from_accuracy + to_accuracy) / 2;
    from = to;
    from_accuracy = to_accuracy;
  };
  for (const CurvePoint& point : front) {
    if (point.cost > low && point.cost < high) add(point.cost, point.quality);
  }
  add(high, *on_line_through(front, high));
  return area / (high - low);
}

double hypervolume(std::span<const CurvePoint> points, double worst_cost, double worst_accuracy) {
  const std::vector<CurvePoint> front = pareto_front(points);
  double area = 0;
  for (size_t i = 0; i < front.size(); ++i) {
    const double from = std::min(front[i].cost, worst_cost);
    const double to = i + 1 < front.size() ? std::min(front[i + 1].cost, worst_cost) : worst_cost;
    area += (to - from) * std::max(0.0, front[i].quality - worst_accuracy);
  }
  return area;
}

}  // namespace sooner
