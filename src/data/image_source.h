// A labelled set of 8-bit images of one size, read by index. Most sets ask for the label; a regression asks for a
// number, and its labels only tell kinds of samples apart.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/quantity.h"
#include "core/shape.h"

namespace sooner {

// Immutable; every member may be called from several threads at once.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  [[nodiscard]] virtual int64_t size() const = 0;
  [[nodiscard]] virtual int32_t label(int64_t index) const = 0;  // in [0, classes)
  // The number asked for, in the set's unit, where it asks for one; NaN elsewhere.
  [[nodiscard]] virtual float target(int64_t index) const;
  // Writes the image as [C, H, W] bytes. Throws kDataLoss for a file that went bad (folders decode when read).
  virtual void read(int64_t index, std::span<uint8_t> pixels) const = 0;
  // 0 (easy) to 1 (hard) where the set knows (glyphs); NaN elsewhere.
  [[nodiscard]] virtual double difficulty(int64_t index) const;
};

// A data set as programs see it: a training source, a test source, names, a hash.
struct DataSet {
  std::string name;   // "fashion-mnist"
  Shape image_shape;  // [C, H, W]
  std::vector<std::string> class_names;
  std::optional<Quantity> quantity = {};  // what a regression asks for
  // 16 hex digits over images and labels (folders and lists: paths, sizes and labels; glyphs: version, seed, sizes).
  std::string hash;
  std::shared_ptr<const ImageSource> train;
  // Never null once opened: cut from the training images, stratified and seeded, where the set has none.
  std::shared_ptr<const ImageSource> test;
  std::vector<double> mean;  // [C], of pixels / 255
  std::vector<double> std;   // [C]
  [[nodiscard]] int64_t classes() const { return static_cast<int64_t>(class_names.size()); }
  // Numbers that a network answers with: one for each class, or the quantity alone.
  [[nodiscard]] int64_t outputs() const { return quantity ? 1 : classes(); }
};

}  // namespace sooner
