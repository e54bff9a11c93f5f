// Image folders and lists as data sets.
#pragma once

#include <filesystem>

#include "data/image_source.h"

namespace sooner {

// `folder` as list_image_folder reads it, `list` as read_csv_list does. Where they name no test images, 15 % of each
// class are cut off for it, always the same ones. No image is decoded but the up to 5,000 that mean and std are
// measured on.
DataSet open_image_folder(const std::filesystem::path& folder, const Shape& image_shape);
DataSet open_csv_list(const std::filesystem::path& list, const Shape& image_shape);

}  // namespace sooner
