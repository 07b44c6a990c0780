/**
 * How conversations are written for models whose files do not say it, by the `model_type` of config.json: what their published code
 * does, as chat templates of Jinja's. A chat template or `prompt_template` of the files comes first.
 */
export const publishedTemplates: Readonly<Record<string, string>> = {
  // `mplug_owl2` of mplug_owl2/conversation.py; with a system message, `v1`. The answer's blank is learned with it.
  mplug_owl2: [
    "{{ bos_token }}",
    "{% for message in messages %}",
    "{% if message.role == 'user' %}{{ 'USER: ' }}{% endif %}",
    "{% if message.role == 'assistant' %}",
    "{{ 'ASSISTANT:' }}{% generation %}{{ ' ' + message.content + eos_token }}{% endgeneration %}",
    "{% elif message.content is string %}{{ message.content + ' ' }}",
    "{% else %}",
    "{% for part in message.content %}",
    "{% if part.type == 'image' %}{{ '<|image|>' }}{% else %}{{ part.text }}{% endif %}",
    "{% endfor %}{{ ' ' }}",
    "{% endif %}",
    "{% endfor %}",
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
  ].join(""),
};

/** The same for models whose files have a template that their published code does not use: that of the language model inside. */
export const replacingTemplates: Readonly<Record<string, string>> = {
  mplugowl3: [
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\n<|im_end|>' }}{% endif %}",
    "{% for message in messages %}",
    "{% if message.role == 'system' %}{{ '<|im_start|>system\\n' + message.content + '<|im_end|>' }}",
    "{% elif message.role == 'assistant' %}{{ '\\n<|im_start|>assistant\\n' }}",
    "{% generation %}{{ message.content + '<|im_end|><|endoftext|>' }}{% endgeneration %}",
    "{% else %}{{ '\\n<|im_start|>user\\n' }}",
    "{% if message.content is string %}{{ message.content }}",
    "{% else %}",
    "{% for part in message.content %}",
    "{% if part.type == 'image' %}{{ '<|image|>' }}{% else %}{{ part.text }}{% endif %}",
    "{% endfor %}",
    "{% endif %}{{ '<|im_end|>' }}",
    "{% endif %}",
    "{% endfor %}",
    "{% if add_generation_prompt %}{{ '\\n<|im_start|>assistant\\n' }}{% endif %}",
  ].join(""),
};
