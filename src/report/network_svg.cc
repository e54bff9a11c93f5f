#include "report/network_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "core/text.h"
#include "report/page_text.h"

namespace sooner {
namespace {

// All in SVG units, which are pixels on a wide screen.
constexpr int kColumn = 264;  // from one stage to the next
constexpr int kBox = 204;     // width of a stage and of an exit
constexpr int kExitHeight = 76;
constexpr int kStageHeight = 92;
constexpr int kBetween = 66;  // room between an exit and its stage
constexpr int kMargin = 14;
constexpr int kLeftMargin = 80;   // the input stands here
constexpr int kRightMargin = 48;  // the rule beside the last arrow reaches into it
constexpr size_t kPerRow = 4;
constexpr int kRow = kExitHeight + kBetween + kStageHeight + 46;
constexpr double kThickest = 16;

// At most `length` characters (UTF-8 aware), with an ellipsis where cut.
std::string shortened(std::string_view text, size_t length) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U;
    if (starts && ++characters > length) return std::string(text.substr(0, i)) + "…";
  }
  return std::string(text);
}

// Lines of at most `width` characters broken at blanks, at most `most` of them, the last cut where there is more.
std::vector<std::string> wrapped(std::string_view text, size_t width, size_t most) {
  std::vector<std::string> lines;
  for (const std::string& word : split(text, ' ')) {
    if (!lines.empty() && (lines.size() == most || lines.back().size() + 1 + word.size() <= width)) {
      lines.back() += ' ' + word;
    } else {
      lines.push_back(word);
    }
  }
  for (std::string& line : lines) line = shortened(line, width);
  return lines;
}

class Drawing {
 public:
  explicit Drawing(const ReportModel& model) : model_(model) {}

  std::string draw() {
    const size_t count = model_.stages.size();
    const size_t rows = (count + kPerRow - 1) / kPerRow;
    const int width =
        kLeftMargin + static_cast<int>(std::min(count, kPerRow)) * kColumn - (kColumn - kBox) + kRightMargin;
    const int height = static_cast<int>(rows) * kRow - 30 + kMargin;
    add("<svg class=\"network\" role=\"img\" viewBox=\"0 0 {} {}\" style=\"max-width:{}px\" aria-label=\"{}\">", width,
        height, width, escape_html(summary()));
    double flow = 1;
    for (size_t k = 0; k < count; ++k) {
      arrow_in(k, flow);
      const double share = model_.stages[k].share;
      arrow_up(k, share);
      flow = std::isnan(share) || std::isnan(flow) ? kUnknown : std::max(0.0, flow - share);
      stage_box(k);
      exit_box(k);
    }
    add("</svg>\n");
    return text_;
  }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  [[nodiscard]] static int left(size_t k) { return kLeftMargin + static_cast<int>(k % kPerRow) * kColumn; }
  [[nodiscard]] static int top(size_t k) { return kMargin + static_cast<int>(k / kPerRow) * kRow; }
  [[nodiscard]] static int stage_top(size_t k) { return top(k) + kExitHeight + kBetween; }
  [[nodiscard]] static int stage_middle(size_t k) { return stage_top(k) + kStageHeight / 2; }
  [[nodiscard]] static double thickness(double share) {
    return std::isnan(share) ? 2 : std::clamp(kThickest * share, 1.0, kThickest);
  }

  [[nodiscard]] std::string summary() const {
    std::string text = fmt::format("{}: {} stages.", model_.name, model_.stages.size());
    for (const ReportStage& stage : model_.stages) {
      text += fmt::format(" {}: {} MACs, {} leave.", stage.exit_name, count_text(stage.trunk_macs + stage.head_macs),
                          percent_text(stage.share, 1));
    }
    return text;
  }

  void line_text(int x, int y, std::string_view style, std::string_view text) {
    add("<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>", x, y, style, escape_html(text));
  }

  // From the input or the stage before.
  void arrow_in(size_t k, double flow) {
    const int y = stage_middle(k);
    const int tip = left(k) - 3;
    const double wide = thickness(flow);
    if (k == 0) {
      line_text(8, y + 4, "small", "input");
      add("<path class=\"flow\" d=\"M44 {} H{}\" stroke-width=\"{:.1f}\"/>", y, tip - 8, wide);
    } else if (k % kPerRow == 0) {  // from the end of the row above, round to the left
      const int from_x = left(k - 1) + kBox;
      const int turn = stage_top(k - 1) + kStageHeight + 14;
      add("<path class=\"flow\" d=\"M{} {} h8 V{} H{} V{} H{}\" stroke-width=\"{:.1f}\"/>", from_x, stage_middle(k - 1),
          turn, 30, y, tip - 8, std::min(wide, 8.0));
    } else {
      add("<path class=\"flow\" d=\"M{} {} H{}\" stroke-width=\"{:.1f}\"/>", left(k - 1) + kBox, y, tip - 8, wide);
    }
    const double half = std::max(6.0, wide / 2 + 4);
    add("<path class=\"tip\" d=\"M{} {} l-10 {:.1f} v{:.1f} z\"/>", tip, y, -half, 2 * half);
    if (k > 0 && k % kPerRow != 0 && !std::isnan(flow)) {
      line_text(left(k) - (kColumn - kBox) / 2, y - static_cast<int>(half) - 6, "small middle", percent_text(flow, 0));
    }
  }

  void arrow_up(size_t k, double share) {
    const int x = left(k) + kBox / 2;
    const int from = stage_top(k);
    const int tip = top(k) + kExitHeight + 3;
    const double wide = thickness(share);
    const double half = std::max(6.0, wide / 2 + 4);
    add("<g style=\"--tint:{:.3f}\">", exit_tint(k, model_.stages.size()));
    add("<path class=\"exit-flow\" d=\"M{} {} V{}\" stroke-width=\"{:.1f}\"/>", x, from, tip + 8, wide);
    add("<path class=\"exit-tip\" d=\"M{} {} l{:.1f} 10 h{:.1f} z\"/></g>", x, tip, -half, 2 * half);
    const ReportStage& stage = model_.stages[k];
    const int text_x = x + static_cast<int>(half) + 6;
    const bool says_gate = stage.threshold.find("gate") != std::string::npos;
    std::vector<std::string> lines = wrapped(stage.threshold, 18, 2);
    if (stage.has_gate && !says_gate) lines.emplace_back("(has a gate)");
    int y = from - kBetween / 2 + 6 - 8 * (static_cast<int>(lines.size()) - 1);
    for (const std::string& line : lines) {
      line_text(text_x, y, "small", line);
      y += 16;
    }
  }

  void stage_box(size_t k) {
    const ReportStage& stage = model_.stages[k];
    const int x = left(k);
    const int y = stage_top(k);
    add("<g><title>{}</title><rect class=\"stage\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
        escape_html(stage.layers), x, y, kBox, kStageHeight);
    line_text(x + 10, y + 20, "strong", fmt::format("stage {}", k));
    line_text(x + 10, y + 39, "small", shortened(stage.layers, 26));
    line_text(x + 10, y + 60, "small", fmt::format("{} MACs", count_text(stage.trunk_macs)));
    line_text(x + 10, y + 79, "small", stage.shape.empty() ? "" : "gives " + stage.shape);
    add("</g>");
  }

  void exit_box(size_t k) {
    const ReportStage& stage = model_.stages[k];
    const int x = left(k);
    const int y = top(k);
    add("<g style=\"--tint:{:.3f}\"><title>{}</title>", exit_tint(k, model_.stages.size()), escape_html(stage.head));
    add("<rect class=\"exit\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"18\"/>", x, y, kBox, kExitHeight);
    line_text(x + 14, y + 21, "strong", shortened(stage.exit_name, 20));
    line_text(x + 14, y + 41, "small",
              fmt::format("{} leave, {} right", percent_text(stage.share, 1), percent_text(stage.accuracy_here, 1)));
    line_text(x + 14, y + 60, "small",
              fmt::format("head {} · C = {}", count_text(stage.head_macs), number_text(stage.cost_fraction, 3)));
    add("</g>");
  }

  const ReportModel& model_;
  std::string text_;
};

}  // namespace

std::string network_svg(const ReportModel& model) { return model.stages.empty() ? "" : Drawing(model).draw(); }

double exit_tint(size_t exit_index, size_t exits) {
  return exits < 2 ? 1.0 : static_cast<double>(exit_index) / static_cast<double>(exits - 1);
}

}  // namespace sooner
