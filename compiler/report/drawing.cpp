// Boxes and lines; widths are guessed from the number of letters, since nothing measures type here.
#include "report/drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>
#include <sstream>

#include "report/table.h"
#include "support/graph.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

constexpr double letter = 7.9, line_height = 18, pad = 10, box_height = 28, gap = 14,
                 layer_gap = 70;

double width_of(std::string_view text) {
  return letter * static_cast<double>(code_points(text)) + 2 * pad;
}

/// Elements below one node of a drawing.
class Canvas {
 public:
  explicit Canvas(pugi::xml_node node) : node_(node) {}

  void rectangle(double x, double y, double width, double height, const char* kind) {
    auto element = shape("rect", kind);
    number(element, "x", x);
    number(element, "y", y);
    number(element, "width", width);
    number(element, "height", height);
  }
  void text(double x, double y, const std::string& text, const char* kind) {
    auto element = shape("text", kind);
    number(element, "x", x);
    number(element, "y", y);
    element.text().set(text.c_str());
  }
  void curve(double x, double y, double to_x, double to_y) {
    const double middle = (x + to_x) / 2;
    shape("path", "edge")
        .append_attribute("d")
        .set_value(
            fmt::format("M{} {} C{} {} {} {} {} {}", x, y, middle, y, middle, to_y, to_x, to_y)
                .c_str());
  }
  Canvas group(double x, double y) {
    auto element = node_.append_child("g");
    element.append_attribute("transform").set_value(fmt::format("translate({} {})", x, y).c_str());
    return Canvas(element);
  }

 private:
  pugi::xml_node shape(const char* name, const char* kind) {
    auto element = node_.append_child(name);
    element.append_attribute("class").set_value(kind);
    return element;
  }
  static void number(pugi::xml_node element, const char* name, double value) {
    element.append_attribute(name).set_value(fmt::format("{:g}", value).c_str());
  }

  pugi::xml_node node_;
};

struct Size {
  double width = 0;
  double height = 0;
};

pugi::xml_node svg(pugi::xml_node parent, const std::string& label) {
  auto element = parent.append_child("svg");
  element.append_attribute("xmlns").set_value("http://www.w3.org/2000/svg");
  element.append_attribute("role").set_value("img");
  element.append_attribute("aria-label").set_value(label.c_str());
  return element;
}

void set_size(pugi::xml_node element, Size size) {
  element.append_attribute("width").set_value(fmt::format("{:g}", size.width).c_str());
  element.append_attribute("height").set_value(fmt::format("{:g}", size.height).c_str());
  element.append_attribute("viewBox").set_value(
      fmt::format("0 0 {:g} {:g}", size.width, size.height).c_str());
}

/// The features of a cluster, with the cluster itself as the first vertex.
class FeaturePicture {
 public:
  explicit FeaturePicture(const policy::Cluster& cluster) {
    names_.push_back("cluster " + cluster.name);
    notes_.emplace_back();
    std::map<std::string, std::size_t> index;
    for (const policy::EnabledFeature& feature : cluster.features) {
      const std::string name = fmt::format("{}/{}", feature.module, feature.name);
      index[name] = names_.size();
      names_.push_back(name);
      notes_.push_back(feature.because == "automatic" ? "automatic" : "");
    }
    graph_.size = names_.size();
    constexpr std::string_view required = "required by ";
    for (const policy::EnabledFeature& feature : cluster.features) {
      const std::size_t own = index.at(fmt::format("{}/{}", feature.module, feature.name));
      const bool needed = feature.because.starts_with(required);
      graph_.edges.emplace_back(needed ? index.at(feature.because.substr(required.size())) : 0,
                                own);
    }
    place();
  }

  Size draw(Canvas canvas) const {
    Size size;
    for (const auto& [from, to] : graph_.edges) {
      canvas.curve(x_[from] + widths_[from], y_[from] + box_height / 2, x_[to],
                   y_[to] + box_height / 2);
    }
    for (std::size_t v = 0; v < names_.size(); ++v) {
      canvas.rectangle(x_[v], y_[v], widths_[v], box_height, v == 0 ? "cluster" : "feature");
      canvas.text(x_[v] + pad, y_[v] + box_height / 2 + 4.5, label(v), "name");
      size.width = std::max(size.width, x_[v] + widths_[v] + 1);
      size.height = std::max(size.height, y_[v] + box_height + 1);
    }
    return size;
  }

 private:
  std::string label(std::size_t v) const {
    return notes_[v].empty() ? names_[v] : fmt::format("{} ({})", names_[v], notes_[v]);
  }

  // A layer is one further from the cluster than the nearest that brings its features in.
  void place() {
    std::vector<std::size_t> layer(names_.size());
    const auto order = dependencies_first(graph_);
    for (auto v = order->rbegin(); v != order->rend(); ++v) {
      for (const auto& [from, to] : graph_.edges) {
        if (from == *v) layer[to] = std::max(layer[to], layer[from] + 1);
      }
    }
    const std::size_t layers = 1 + *std::max_element(layer.begin(), layer.end());
    std::vector<double> widest(layers), next(layers, 1);
    for (std::size_t v = 0; v < names_.size(); ++v) {
      widths_.push_back(width_of(label(v)));
      widest[layer[v]] = std::max(widest[layer[v]], widths_[v]);
    }
    for (std::size_t v = 0; v < names_.size(); ++v) {
      double x = 1;
      for (std::size_t before = 0; before < layer[v]; ++before) x += widest[before] + layer_gap;
      x_.push_back(x);
      y_.push_back(next[layer[v]]);
      next[layer[v]] += box_height + gap;
    }
  }

  Graph graph_;  ///< an edge from what brings in to what is brought in
  std::vector<std::string> names_, notes_;
  std::vector<double> x_, y_, widths_;
};

Size draw_matrix(Canvas canvas, const flow::Matrix& matrix) {
  const auto cell = [&](std::size_t from, std::size_t to) {
    return lines_of(matrix.cells[from][to], " *");
  };
  std::vector<double> widths, heights;
  double head = 0;
  for (const std::size_t from : matrix.rows) {
    head = std::max(head, width_of(matrix.axes[from].label));
    std::size_t most = 1;
    for (const std::size_t to : matrix.columns) most = std::max(most, cell(from, to).size());
    heights.push_back(line_height * static_cast<double>(most) + pad);
  }
  for (const std::size_t to : matrix.columns) {
    double widest = width_of(matrix.axes[to].label);
    for (const std::size_t from : matrix.rows) {
      for (const std::string& line : cell(from, to)) widest = std::max(widest, width_of(line));
    }
    widths.push_back(widest);
  }
  const double top = line_height + pad;
  double y = 1 + top;
  Size size{1 + head, y};
  for (std::size_t r = 0; r < matrix.rows.size(); ++r) {
    canvas.text(1 + pad, y + line_height, matrix.axes[matrix.rows[r]].label, "head");
    double x = 1 + head;
    for (std::size_t c = 0; c < matrix.columns.size(); ++c) {
      const auto lines = cell(matrix.rows[r], matrix.columns[c]);
      canvas.rectangle(x, y, widths[c], heights[r], lines.empty() ? "closed" : "open");
      for (std::size_t i = 0; i < lines.size(); ++i) {
        canvas.text(x + pad, y + line_height * static_cast<double>(i + 1), lines[i], "service");
      }
      if (r == 0) canvas.text(x + pad, line_height, matrix.axes[matrix.columns[c]].label, "head");
      x += widths[c];
      size.width = std::max(size.width, x + 1);
    }
    y += heights[r];
    size.height = y + 1;
  }
  return size;
}

}  // namespace

std::string_view drawing_style() {
  // Colours are spelled out twice: many readers of SVG know no CSS variables.
  return "svg { font: 13px ui-monospace, monospace; max-width: 100%; height: auto; }\n"
         "svg text { fill: #1f2328; }\n"
         "svg .head { font-weight: bold; }\n"
         "svg rect { stroke: #8c959f; fill: #f6f8fa; }\n"
         "svg .page { fill: #ffffff; stroke: none; }\n"
         "svg .open { fill: #dafbe1; }\n"
         "svg .cluster { fill: #ddf4ff; }\n"
         "svg .edge { fill: none; stroke: #8c959f; }\n"
         "@media (prefers-color-scheme: dark) {\n"
         "svg text { fill: #e6edf3; }\n"
         "svg rect { stroke: #6e7681; fill: #161b22; }\n"
         "svg .page { fill: #0d1117; }\n"
         "svg .open { fill: #12361f; }\n"
         "svg .cluster { fill: #0c2d4a; }\n"
         "svg .edge { stroke: #6e7681; }\n"
         "}\n";
}

void draw_features(pugi::xml_node parent, const policy::Cluster& cluster) {
  auto element = svg(parent, "features of cluster " + cluster.name);
  set_size(element, FeaturePicture(cluster).draw(Canvas(element)));
}

std::string drawing(const std::vector<ClusterMatrix>& clusters) {
  pugi::xml_document document;
  auto element = svg(document, "who reaches whom, and the features that are on");
  element.append_child("style").text().set(std::string(drawing_style()).c_str());
  auto page = element.append_child("rect");
  page.append_attribute("class").set_value("page");
  page.append_attribute("width").set_value("100%");
  page.append_attribute("height").set_value("100%");
  Canvas canvas(element);
  Size all{0, gap};
  const auto add = [&](Size size) {
    all.width = std::max(all.width, size.width + 2 * gap);
    all.height += size.height + 2 * gap;
  };
  for (const ClusterMatrix& cluster : clusters) {
    std::string line = cluster_line(*cluster.entry->cluster);
    line.pop_back();
    canvas.text(gap, all.height + line_height, line, "head");
    all.height += line_height + gap;
    add(draw_matrix(canvas.group(gap, all.height), cluster.matrix));
    add(FeaturePicture(*cluster.entry->cluster).draw(canvas.group(gap, all.height)));
  }
  set_size(element, all);
  std::ostringstream out;
  document.save(out, "  ", pugi::format_indent | pugi::format_no_declaration);
  return out.str();
}

}  // namespace hcipol::report
