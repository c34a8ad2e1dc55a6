"""What is said in Spanish: a clinic books appointments."""

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

SPANISH = Language(
    code="es",
    phone=("+34600555", 3),
    money="{},{:02} €",
    names=("Lucía", "Íñigo", "Carmen", "José Ángel", "Begoña"),
    agents=("Sofía", "Mateo"),
    days=("el lunes", "el miércoles", "el viernes", "el día 14", "pasado mañana"),
    times=("las nueve y cuarto", "las once", "las cuatro y media", "las siete"),
    streets=("Calle Mayor 12, 3º B", "Avenida de la Constitución 48", "Plaza de España 7"),
    hesitations=("Eh... ", "Pues... ", "A ver... ", "Mmm... "),
    acknowledgements=("Perfecto.", "De acuerdo.", "Muchas gracias, {name}.", "¡Estupendo! 😊"),
    confirmations=("Sí, correcto.", "Eso es.", "Sí, perfecto."),
    asides=(
        Exchange(
            ("Perdone, ¿puede repetir?", "No le oigo bien, ¿cómo dice?"),
            ("Claro: {day} a {time}.", "Disculpe. Decía {day}, a {time}."),
        ),
        Exchange(
            ("¿Hablo con una persona?", "¿Es usted un robot?"),
            ("Soy {agent}, la asistente virtual de {company}.", "Soy un asistente de IA."),
        ),
        Exchange(
            ("Un momento, que llaman a la puerta.", "Espere, busco un boli."),
            ("Tranquilo, espero.", "Sin prisa."),
        ),
    ),
    transfer=("Le paso con un compañero. No cuelgue, por favor.",),
    nobody_free=("Ahora mismo no hay nadie libre. Le llamamos en {minutes} minutos.",),
    machine=("Hola, soy {name}. Deja tu mensaje después de la señal.",),
)

CLINIC = Business(
    kind="appointment",
    language=SPANISH,
    companies=("Clínica Peñalara", "Dental Muñoz", "Fisio Ñandú"),
    amounts=(30, 250),
    items=("revisión", "limpieza", "primera consulta", "radiografía"),
    inbound=("{company}, le atiende {agent}. ¿En qué puedo ayudarle?",),
    reasons=(
        "Hola, quería pedir cita para una {item}.",
        "Tengo que cambiar mi {item}, no puedo ir {day}.",
        "¿Tienen algo {day}? Me duele muchísimo.",
    ),
    outbound=("Buenos días, soy {agent}, de {company}. ¿Hablo con {name}?",),
    identity=("Sí, dígame.", "Sí, soy yo.", "No, soy su madre."),
    steps=(
        Exchange(
            ("¿Ha venido alguna vez a nuestra clínica?", "¿Ya es paciente nuestro?"),
            ("Sí, hace un año.", "No, es la primera vez."),
        ),
        Exchange(
            ("Tengo un hueco {day} a {time}. ¿Le viene bien?", "¿Le va mejor {day} o más tarde?"),
            ("Perfecto.", "¿No hay nada por la tarde?", "{day} me va bien."),
        ),
        Exchange(
            ("¿Me dice su fecha de nacimiento?",),
            ("El tres de marzo del ochenta y cuatro.", "¿Hace falta?"),
        ),
        Exchange(("¿Tiene algún seguro?",), ("Sí, con Sanitas.", "No, pago yo.")),
    ),
    asides=(
        Exchange(
            ("¿Cuánto cuesta la {item}?", "¿Y eso qué precio tiene?"),
            ("Son {amount}.", "Cuesta {amount}, y puede pagarlo a plazos."),
        ),
        Exchange(("¿Siguen en {street}?",), ("Sí, en {street}.",)),
        Exchange(("¿Dónde se puede aparcar?",), ("Hay un aparcamiento a {minutes} minutos.",)),
    ),
    read_back="Le confirmo:\n{item}\n{day} a {time}\na nombre de {name}. ¿Correcto?",
    closing=Exchange(
        ("Pues queda anotado {day} a {time}. ¿Algo más?", "Le esperamos {day}."),
        ("Nada más, gracias.", "Muchas gracias, ¡hasta luego!", "Vale, adiós."),
    ),
    voicemail=("Hola {name}, le llamamos de {company} por su cita: {day} a {time}.",),
    tasks=(
        Task(
            "buscar_hueco",
            {"servicio": "{item}", "día": "{day}"},
            {"disponible": True, "hora": "{time}"},
        ),
    ),
    outcomes=(
        Outcome("cita_reservada", "{name} reserva una {item} {day} a {time}."),
        Outcome("cita_cambiada", "Cambia la {item} a {day}, a {time}."),
        Outcome("pregunta", "Pregunta el precio de la {item} ({amount}) y volverá a llamar."),
    ),
)
