// The core as a Python module, `model._core`; see `_core.pyi` for what it offers.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>
#include <string>
#include <vector>

#include "batch.hpp"

namespace {

using namespace policy_themes;

// An owned reference.
class Ref {
public:
    explicit Ref(PyObject* object = nullptr) : object_(object) {}
    Ref(Ref&& other) noexcept : object_(other.release()) {}
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    Ref& operator=(Ref&& other) noexcept {
        PyObject* old = object_;
        object_ = other.release();
        Py_XDECREF(old);
        return *this;
    }
    ~Ref() { Py_XDECREF(object_); }
    PyObject* get() const { return object_; }
    PyObject* release() {
        PyObject* object = object_;
        object_ = nullptr;
        return object;
    }
    explicit operator bool() const { return object_ != nullptr; }

private:
    PyObject* object_;
};

// Thrown where a Python exception is set.
struct PythonError {};

PyObject* sure(PyObject* object) {
    if (!object) throw PythonError();
    return object;
}
void sure(int status) {
    if (status < 0) throw PythonError();
}

class WithoutGil {
public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() { PyEval_RestoreThread(state_); }

private:
    PyThreadState* state_;
};

Text text_of(PyObject* object) {
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "a text must be str, not %.100s", Py_TYPE(object)->tp_name);
        throw PythonError();
    }
#if PY_VERSION_HEX < 0x030C0000
    sure(PyUnicode_READY(object));
#endif
    const size_t size = PyUnicode_GET_LENGTH(object);
    if (size > static_cast<size_t>(INT32_MAX) / 32) {  // offsets are of 32 bits, and a character becomes 18 at most
        PyErr_SetString(PyExc_ValueError, "a text is longer than 64 million characters");
        throw PythonError();
    }
    return {PyUnicode_DATA(object), size, static_cast<int>(PyUnicode_KIND(object))};
}

// ---- The object -----------------------------------------------------------------------------------------------------------------

struct Names {
    PyObject *themes, *primary, *scores, *uncertain, *evidence, *theme, *text, *start, *end, *terms, *weight;
};
Names names;

struct Core {
    Py_buffer buffer{};
    std::unique_ptr<CompiledModel> model;
    std::unique_ptr<JudgePool> pool;
    Ref theme_ids, no_theme_name, prepare, no_items;
    Ref label_type, evidence_type, term_type;

    ~Core() {
        pool.reset();
        model.reset();
        if (buffer.obj) PyBuffer_Release(&buffer);
    }
};

struct CoreObject {
    PyObject_HEAD
    Core* core;
};

Core& core_of(PyObject* self) {
    Core* core = reinterpret_cast<CoreObject*>(self)->core;
    if (!core || !core->model) {
        PyErr_SetString(PyExc_RuntimeError, "a core that was never made");
        throw PythonError();
    }
    return *core;
}

// Runs `body`, with C++ exceptions as Python ones.
template <class Body>
PyObject* guarded(Body body) {
    try {
        return body();
    } catch (const PythonError&) {
    } catch (const ModelError& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

// ---- Labels ---------------------------------------------------------------------------------------------------------------------

Ref instance(PyObject* type) {
    return Ref(sure(reinterpret_cast<PyTypeObject*>(type)->tp_alloc(reinterpret_cast<PyTypeObject*>(type), 0)));
}
// Frozen dataclasses refuse assignment in Python only.
void set(const Ref& object, PyObject* name, PyObject* value) { sure(PyObject_GenericSetAttr(object.get(), name, value)); }
void set(const Ref& object, PyObject* name, Ref value) { set(object, name, sure(value.get())); }
// What is made here holds nothing that could hold it again. Python's cycle collector, left to find that out, would walk through all
// labels of a batch again and again while they are made.
void never_in_a_cycle(const Ref& object) { PyObject_GC_UnTrack(object.get()); }
Ref number(int32_t value) { return Ref(PyLong_FromLong(value)); }

Ref theme_tuple(const Core& core, uint64_t bits) {
    if (!bits) return Ref(Py_NewRef(core.no_items.get()));
    Py_ssize_t count = 0;
    for (uint64_t rest = bits; rest; rest &= rest - 1) ++count;
    Ref tuple(sure(PyTuple_New(count)));
    for (Py_ssize_t theme = 0, place = 0; place < count; ++theme) {
        if (bits >> theme & 1) PyTuple_SET_ITEM(tuple.get(), place++, Py_NewRef(PyTuple_GET_ITEM(core.theme_ids.get(), theme)));
    }
    never_in_a_cycle(tuple);
    return tuple;
}

Ref evidence_tuple(const Core& core, const Judgements& all, const Judgement& judgement, PyObject* text) {
    if (!judgement.evidence_count) return Ref(Py_NewRef(core.no_items.get()));
    Ref tuple(sure(PyTuple_New(static_cast<Py_ssize_t>(judgement.evidence_count))));
    for (size_t i = 0; i < judgement.evidence_count; ++i) {
        const Evidence& found = all.evidence[judgement.first_evidence + i];
        Ref terms(sure(PyTuple_New(static_cast<Py_ssize_t>(found.term_count))));
        for (size_t j = 0; j < found.term_count; ++j) {
            const Contribution& part = all.terms[found.first_term + j];
            Ref term = instance(core.term_type.get());
            set(term, names.text, Ref(PyUnicode_Substring(text, part.start, part.end)));
            set(term, names.start, number(part.start));
            set(term, names.end, number(part.end));
            set(term, names.weight, Ref(PyFloat_FromDouble(part.weight)));
            never_in_a_cycle(term);
            PyTuple_SET_ITEM(terms.get(), static_cast<Py_ssize_t>(j), term.release());
        }
        never_in_a_cycle(terms);
        Ref item = instance(core.evidence_type.get());
        set(item, names.theme, PyTuple_GET_ITEM(core.theme_ids.get(), found.theme));
        set(item, names.text, Ref(PyUnicode_Substring(text, found.start, found.end)));
        set(item, names.start, number(found.start));
        set(item, names.end, number(found.end));
        set(item, names.terms, std::move(terms));
        never_in_a_cycle(item);
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), item.release());
    }
    never_in_a_cycle(tuple);
    return tuple;
}

Ref make_label(const Core& core, const Judgements& all, size_t index, PyObject* text) {
    const Judgement& judgement = all.judgements[index];
    const Py_ssize_t themes = core.model->themes;
    Ref scores(sure(PyDict_New()));
    for (Py_ssize_t theme = 0; theme < themes; ++theme) {
        Ref value(sure(PyFloat_FromDouble(all.probabilities[index * themes + theme])));
        sure(PyDict_SetItem(scores.get(), PyTuple_GET_ITEM(core.theme_ids.get(), theme), value.get()));
    }
    Ref label = instance(core.label_type.get());
    set(label, names.themes, theme_tuple(core, judgement.given));
    set(label, names.primary,
        judgement.primary == no_theme ? core.no_theme_name.get() : PyTuple_GET_ITEM(core.theme_ids.get(), judgement.primary));
    set(label, names.scores, std::move(scores));
    set(label, names.uncertain, theme_tuple(core, judgement.unsure));
    set(label, names.evidence, evidence_tuple(core, all, judgement, text));
    never_in_a_cycle(label);
    return label;
}

// Has Python normalise `text`, and puts it into `paragraph`.
void take_from_python(const Core& core, PyObject* text, Paragraph& paragraph) {
    Ref prepared(sure(PyObject_CallOneArg(core.prepare.get(), text)));
    PyObject *normalised, *lowered, *starts, *ends;
    if (!PyArg_ParseTuple(prepared.get(), "UUO!O!", &normalised, &lowered, &PyTuple_Type, &starts, &PyTuple_Type, &ends)) {
        throw PythonError();
    }
    const Text plain = text_of(normalised), lower = text_of(lowered);
    if (lower.size != plain.size || PyTuple_GET_SIZE(starts) != static_cast<Py_ssize_t>(plain.size) ||
        PyTuple_GET_SIZE(ends) != static_cast<Py_ssize_t>(plain.size)) {
        PyErr_SetString(PyExc_ValueError, "normalised text and its offsets differ in length");
        throw PythonError();
    }
    std::vector<uint32_t> codes(plain.size), lower_codes(plain.size);
    std::vector<int32_t> first(plain.size), last(plain.size);
    for (size_t i = 0; i < plain.size; ++i) {
        codes[i] = PyUnicode_READ(plain.width, plain.data, i);
        lower_codes[i] = PyUnicode_READ(lower.width, lower.data, i);
        first[i] = static_cast<int32_t>(PyLong_AsLong(PyTuple_GET_ITEM(starts, i)));
        last[i] = static_cast<int32_t>(PyLong_AsLong(PyTuple_GET_ITEM(ends, i)));
    }
    if (PyErr_Occurred()) throw PythonError();
    take_normalised(*core.model, codes.data(), lower_codes.data(), first.data(), last.data(), plain.size, paragraph);
}

// Puts the normalised `text` into `paragraph`, by the core where it can.
void take(const Core& core, PyObject* text, Paragraph& paragraph) {
    if (!normalise(*core.model, text_of(text), paragraph)) take_from_python(core, text, paragraph);
}

PyObject* core_label(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        Core& core = core_of(self);
        if (count != 3) {
            PyErr_SetString(PyExc_TypeError, "label(texts, with_evidence, threads)");
            throw PythonError();
        }
        const int with_evidence = PyObject_IsTrue(arguments[1]);
        sure(with_evidence);
        const long threads = PyLong_AsLong(arguments[2]);
        if (threads == -1 && PyErr_Occurred()) throw PythonError();
        if (PyUnicode_Check(arguments[0])) {
            PyErr_SetString(PyExc_TypeError, "texts must be a sequence of str, not one str");
            throw PythonError();
        }
        const Ref held(sure(PySequence_Tuple(arguments[0])));  // keeps the texts alive whatever becomes of the list
        const Py_ssize_t size = PyTuple_GET_SIZE(held.get());
        std::vector<Text> texts(size);
        for (Py_ssize_t i = 0; i < size; ++i) texts[i] = text_of(PyTuple_GET_ITEM(held.get(), i));
        Ref labels(sure(PyList_New(size)));
        std::unique_ptr<Judge> judge = core.pool->take();
        {
            Batch batch(*core.model, *core.pool, texts, with_evidence != 0);
            if (threads > 1 && batch.size() > 1) {
                const WithoutGil released;
                batch.start(static_cast<size_t>(threads) - 1);
            }
            for (size_t chunk = 0; chunk < batch.size(); ++chunk) {
                if (!batch.is_done(chunk)) {
                    const WithoutGil released;
                    while (!batch.is_done(chunk) && batch.work_on_next(*judge)) {
                    }
                    batch.wait_for(chunk);
                }
                if (batch.failed()) throw std::bad_alloc();
                Judgements& results = batch.result(chunk);
                for (size_t i = 0; i < results.judgements.size(); ++i) {
                    const Py_ssize_t place = static_cast<Py_ssize_t>(chunk * Batch::chunk_texts + i);
                    PyObject* text = PyTuple_GET_ITEM(held.get(), place);
                    if (results.judgements[i].needs_python) {
                        take_from_python(core, text, judge->paragraph);
                        Judgements one;
                        judge->judge(with_evidence != 0, one);
                        PyList_SET_ITEM(labels.get(), place, make_label(core, one, 0, text).release());
                    } else {
                        PyList_SET_ITEM(labels.get(), place, make_label(core, results, i, text).release());
                    }
                }
                results = Judgements();
            }
        }
        core.pool->give_back(std::move(judge));
        return labels.release();
    });
}

// ---- Words, and all that the core sees of a paragraph, for tests and the curious ------------------------------------------------

PyObject* core_segment(PyObject* self, PyObject* argument) {
    return guarded([&]() -> PyObject* {
        Core& core = core_of(self);
        const Text text = text_of(argument);
        std::unique_ptr<Judge> judge = core.pool->take();
        Paragraph& paragraph = judge->paragraph;
        std::vector<Span> spans;
        {
            const WithoutGil released;
            if (text.width == 1) take_raw(*core.model, static_cast<const uint8_t*>(text.data), text.size, paragraph);
            if (text.width == 2) take_raw(*core.model, static_cast<const uint16_t*>(text.data), text.size, paragraph);
            if (text.width == 4) take_raw(*core.model, static_cast<const uint32_t*>(text.data), text.size, paragraph);
            find_route(*core.model, paragraph);
            SpanSink sink{spans};
            segment(*core.model, paragraph, sink);
        }
        Ref words(sure(PyList_New(static_cast<Py_ssize_t>(spans.size()))));
        for (size_t i = 0; i < spans.size(); ++i) {
            PyObject* word = sure(PyUnicode_Substring(argument, spans[i].start, spans[i].end));
            PyList_SET_ITEM(words.get(), static_cast<Py_ssize_t>(i), word);
        }
        core.pool->give_back(std::move(judge));
        return words.release();
    });
}

template <class Items, class Make>
PyObject* list_of(const Items& items, Make make) {
    Ref list(sure(PyList_New(0)));
    for (const auto& item : items) {
        Ref made(sure(make(item)));
        sure(PyList_Append(list.get(), made.get()));
    }
    return list.release();
}

PyObject* core_examine(PyObject* self, PyObject* text) {
    return guarded([&]() -> PyObject* {
        Core& core = core_of(self);
        const CompiledModel& model = *core.model;
        std::unique_ptr<Judge> judge = core.pool->take();
        Paragraph& paragraph = judge->paragraph;
        take(core, text, paragraph);
        Judgements judgements;
        judge->judge(false, judgements);
        std::vector<Span> spans, words, places;
        SpanSink sink{words};
        segment(model, paragraph, sink);
        for (int32_t i = 0; i < paragraph.length; ++i) places.push_back({paragraph.starts[i], paragraph.ends[i]});
        const auto pair = [](const Span& span) { return Py_BuildValue("(ii)", span.start, span.end); };
        const auto occurrence = [](const Occurrence& one) { return Py_BuildValue("(iii)", one.start, one.end, one.column); };
        Ref result(sure(PyDict_New()));
        const auto put = [&](const char* name, PyObject* value) {
            const Ref held(sure(value));
            sure(PyDict_SetItemString(result.get(), name, held.get()));
        };
        put("places", list_of(places, pair));
        put("sentences", list_of(paragraph.sentences, pair));
        put("clauses", list_of(paragraph.clauses, [](const Clause& clause) {
                return Py_BuildValue("(iii)", clause.start, clause.end, clause.sentence);
            }));
        put("tokens", list_of(words, pair));
        put("words", list_of(paragraph.words, occurrence));
        put("concepts", list_of(paragraph.concepts, occurrence));
        put("clause_scores", list_of(paragraph.clause_scores, [](double value) { return PyFloat_FromDouble(value); }));
        Ref contributions(sure(PyList_New(0)));
        for (int32_t theme = 0; theme < model.themes && !paragraph.clauses.empty(); ++theme) {
            const Ref of_theme(list_of(judge->contributions(judge->best_clause(theme), theme), [](const Contribution& one) {
                return Py_BuildValue("(iid)", one.start, one.end, one.weight);
            }));
            sure(PyList_Append(contributions.get(), of_theme.get()));
        }
        put("contributions", contributions.release());
        core.pool->give_back(std::move(judge));
        return result.release();
    });
}

// ---- Making and unmaking --------------------------------------------------------------------------------------------------------

PyObject* core_new(PyTypeObject* type, PyObject* arguments, PyObject*) {
    return guarded([&]() -> PyObject* {
        PyObject *buffer, *theme_ids, *no_theme_name, *label, *evidence, *term, *prepare;
        if (!PyArg_ParseTuple(arguments, "OO!UO!O!O!O:Core", &buffer, &PyTuple_Type, &theme_ids, &no_theme_name, &PyType_Type, &label,
                              &PyType_Type, &evidence, &PyType_Type, &term, &prepare)) {
            throw PythonError();
        }
        auto core = std::make_unique<Core>();
        sure(PyObject_GetBuffer(buffer, &core->buffer, PyBUF_SIMPLE));
        if (reinterpret_cast<uintptr_t>(core->buffer.buf) % 16 != 0) throw ModelError("a compiled model at an odd address");
        core->model = std::make_unique<CompiledModel>(static_cast<const uint8_t*>(core->buffer.buf), core->buffer.len);
        if (PyTuple_GET_SIZE(theme_ids) != core->model->themes) throw ModelError("a compiled model with other themes");
        core->pool = std::make_unique<JudgePool>(*core->model);
        core->theme_ids = Ref(Py_NewRef(theme_ids));
        core->no_theme_name = Ref(Py_NewRef(no_theme_name));
        core->label_type = Ref(Py_NewRef(label));
        core->evidence_type = Ref(Py_NewRef(evidence));
        core->term_type = Ref(Py_NewRef(term));
        core->prepare = Ref(Py_NewRef(prepare));
        core->no_items = Ref(sure(PyTuple_New(0)));
        PyObject* self = sure(type->tp_alloc(type, 0));
        reinterpret_cast<CoreObject*>(self)->core = core.release();
        return self;
    });
}

void core_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete reinterpret_cast<CoreObject*>(self)->core;
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef core_methods[] = {
    {"label", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(core_label)), METH_FASTCALL, nullptr},
    {"segment", core_segment, METH_O, nullptr},
    {"examine", core_examine, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot core_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(core_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(core_dealloc)},
    {Py_tp_methods, core_methods},
    {0, nullptr},
};

PyType_Spec core_spec = {"model._core.Core", sizeof(CoreObject), 0, Py_TPFLAGS_DEFAULT, core_slots};

PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "model._core", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__core() {
    const struct {
        PyObject*& name;
        const char* text;
    } all[] = {
        {names.themes, "themes"}, {names.primary, "primary"}, {names.scores, "scores"}, {names.uncertain, "uncertain"},
        {names.evidence, "evidence"}, {names.theme, "theme"}, {names.text, "text"}, {names.start, "start"},
        {names.end, "end"}, {names.terms, "terms"}, {names.weight, "weight"},
    };
    for (const auto& one : all) {
        if (!(one.name = PyUnicode_InternFromString(one.text))) return nullptr;
    }
    Ref module(PyModule_Create(&module_definition));
    if (!module) return nullptr;
    const Ref type(PyType_FromSpec(&core_spec));
    if (!type || PyModule_AddObjectRef(module.get(), "Core", type.get()) < 0) return nullptr;
    if (PyModule_AddIntConstant(module.get(), "FORMAT", CompiledModel::format) < 0) return nullptr;
    return module.release();
}
