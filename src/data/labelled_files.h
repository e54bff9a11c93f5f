// What an image folder or a list comes to: files with labels, before any is decoded.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/image_files.h"

namespace sooner {

struct LabelledFiles {
  std::vector<std::string> class_names;
  std::vector<LabelledFile> train;
  std::vector<LabelledFile> test;  // empty: the set has none of its own
};

// One sub-folder a class, in the order of their names; images anywhere below it. With train/ and test/ (or val/)
// inside, those hold the class folders. Names that begin with a dot are passed over. Throws kNotFound for a folder that
// is not there, has no class folders, or a class without images; kDataLoss for a test class that the training part does
// not have.
LabelledFiles list_image_folder(const std::filesystem::path& folder);

// Lines `path,label`, fields quoted where they hold commas, quotes or line ends; paths relative to the list. A first
// line that names the columns (path or file or filename or image; label or class; optionally split: train, test or val)
// is understood, columns then in any order. Labels that are all whole numbers are numbers (every one from 0 must
// occur), otherwise names, classes in the order of their names. Throws kNotFound for a file that is not there,
// kDataLoss for a malformed line, naming the line.
LabelledFiles read_csv_list(const std::filesystem::path& list);

}  // namespace sooner
