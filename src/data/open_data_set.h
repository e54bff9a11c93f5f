// Opens a data set by name. Reads files that are there; fetches nothing.
#pragma once

#include <cstdint>
#include <string>

#include "data/image_source.h"

namespace sooner {

struct DataOptions {
  // glyphs | glyph-pairs | glyph-angles | mnist | fashion-mnist | cifar10 | cifar100 | folder:<path> | csv:<path>
  std::string name = "glyphs";
  // Folder that holds mnist/, fashion-mnist/, cifar-10/, cifar-100/ or the set's own files directly (IDX files plain or
  // .gz; CIFAR as the binary .tar.gz or what it unpacks to). Empty: $SOONER_DATA. Not used by the built-in sets,
  // folder:, csv:.
  std::string data_dir = {};
  // Folders and lists: images are resized (shorter side) and centre-cropped to this [C, H, W], C = 1 or 3. How they are
  // laid out: labelled_files.h.
  Shape image_shape = {3, 32, 32};
  // Both built-in sets: number of samples, seed of the drawing. Up to a million are drawn when opened, larger sets when
  // read.
  int64_t glyph_train = 24000;
  int64_t glyph_test = 10000;
  uint64_t glyph_seed = 1;
};

// Throws kNotFound naming the file looked for and where, and how to give the folder; kDataLoss for truncated, foreign
// or corrupt files (file, byte offset, got, expected); kInvalidArgument for an unknown name.
DataSet open_data_set(const DataOptions& options);

}  // namespace sooner
