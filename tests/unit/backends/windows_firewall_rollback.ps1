# Runs two scripts of one server, as windows_firewall_engine.ps1 does, and has every call fail in turn that a run makes: before it
# has done anything, and after it has done its work. The machine must be as it was. Writes a line for each run. Two parts, which
# may run beside each other.
param ([string] $First, [string] $Second, [ValidateSet('Apply', 'Rest')] [string] $Part)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$file = Join-Path (Split-Path -Path $First) 'rollback.json'

function Test-EachCall {
    param ([string] $What, [scriptblock] $Block, [string] $Mode, [hashtable] $More = @{})
    $start = Copy-Machine
    $before = ConvertTo-MachineText
    Reset-Fault
    $null = Find $Block $Mode $More
    $calls = @(Get-CallText)
    $changing = @(Get-Change)
    $last = [array]::LastIndexOf($calls, $changing[-1]) + 1
    $after = ConvertTo-MachineText
    $faults = 0
    $wrong = 0
    foreach ($late in @($false, $true)) {
        for ($k = 1; $k -le $calls.Count; $k++) {
            # Only what changes something can fail after its work.
            if ($late -and $calls[$k - 1] -notin $changing) { continue }
            # A way that is not found is an answer.
            if ($calls[$k - 1] -like 'Find-NetRoute*') { continue }
            Restore-Machine -Copy $start
            Reset-Fault -At $k -After:$late
            $said = Find $Block $Mode $More
            $faults++
            # When all is done, there is nothing to undo. A profile that cannot be NotConfigured gets Allow, which is the same.
            $is = ConvertTo-MachineText
            $isAllow = $k -le $last -and $said -notlike '!*' -and $calls[$k - 1] -match '^[GS]et-NetFirewallProfile (Domain|Private|Public|PersistentStore)$'
            if ($isAllow) { $is = $is -replace 'DefaultOutboundAction = Allow', 'DefaultOutboundAction = NotConfigured' }
            $isDone = $isAllow -or $k -gt $last
            $should = @($before, $after)[$isDone]
            if (($said -like '!*') -ne $isDone -and "$is" -ceq "$should") { continue }
            $wrong++
            Test-Equal -What "${What}: call $k of $last fails, $($calls[$k - 1]) (after its work: $late): $said" -Is $is -Should $should
        }
    }
    Restore-Machine -Copy $start
    $said = Find $Block $Mode $More
    Test-Equal -What "${What}: $faults faults, each undone" -Is "$($said -replace '^[^!].*', '')$wrong $($faults -gt 20)" -Should '0 True'
}

Start-Machine
# Rules that decide nothing here would be read, and asked about, for every fault.
foreach ($name in 'CoreNet-Teredo-Out', 'WMI-WINMGMT-Out-TCP', 'app-new', 'app-old') { (Get-Machine).Stores['PersistentStore'].Remove($name) }
if ($Part -eq 'Apply') {
    Test-EachCall -What 'the first Apply' -Block $one -Mode 'Apply'
    Test-EachCall -What 'Apply of a changed policy' -Block $two -Mode 'Apply'
    'done'
    exit 0
}
$null = Find $one 'Apply'
$null = Find $two 'Apply'
# Rules that somebody edited, disabled and removed; another way of setting the rest.
$rules = (Get-Machine).Stores['PersistentStore']
$own = @($rules.Keys | Where-Object { $_ -like 'hcipolc-*' } | Sort-Object)
$rules[$own[0]]['RemotePort'] = '1024'; $rules[$own[0]]['Profile'] = 'Domain'
$rules[$own[1]]['Enabled'] = 'False'; $rules[$own[1]]['Owner'] = 'S-1-5'
$rules.Remove($own[2])
Test-EachCall -What 'Apply after edits' -Block $one -Mode 'Apply'
$null = Find $one 'Backup' @{ BackupPath = $file }
$null = Find $two 'Apply'
Test-EachCall -What 'Restore' -Block $one -Mode 'Restore' -More @{ BackupPath = $file; AllowLockOut = $true }
Test-EachCall -What 'Remove' -Block $one -Mode 'Remove'

# A command that never works: what can be undone without it is undone, and the rest is named.
Start-Machine
$null = Find $one 'Apply'
$applied = ConvertTo-MachineText
Reset-Fault -Always 'Remove-NetFirewallRule'
Test-Equal -What 'Remove without Remove-NetFirewallRule' -Is (Find $one 'Remove') -Should '! Remove-NetFirewallRule is broken'
Test-Equal -What 'is undone' -Is (ConvertTo-MachineText) -Should $applied
$start = Copy-Machine
Reset-Fault -Always 'Set-NetFirewallProfile'
$warned = [System.Collections.Generic.List[string]]::new()
try { & $one -Mode Remove -Force 3>&1 | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | ForEach-Object { $warned.Add("$_") } } catch { $warned.Add("! $_") }
Test-Equal -What 'Remove without Set-NetFirewallProfile names what is left' -Is ($warned -join '; ') -Should (
    'Services that run keep the former proxy variables until they are restarted (of the Azure Arc agent himds, ExtensionService and GCArcService).; Not everything could be done: what this run did is being undone.; Services that run keep the former proxy variables until they are restarted (of the Azure Arc agent himds, ExtensionService and GCArcService).; Outbound Domain (Setting) could not be put back: Set-NetFirewallProfile is broken; 1 of 12 steps were not undone: Outbound Domain (Setting).; ! Set-NetFirewallProfile is broken')
Reset-Fault

# Ctrl+C: the pipeline is stopped in the middle of a call.
$space = [runspacefactory]::CreateRunspace()
$space.Open()
$reached = [System.Threading.ManualResetEventSlim]::new($false)
$space.SessionStateProxy.SetVariable('reached', $reached)
$space.SessionStateProxy.SetVariable('paths', @((Join-Path $PSScriptRoot 'windows_firewall_machine.psm1'), $First))
function Invoke-There { param ([string] $Text) $shell = [powershell]::Create(); $shell.Runspace = $space; $null = $shell.AddScript($Text); $shell.Invoke() }
$null = Invoke-There 'Import-Module $paths[0]; $block = Get-Block $paths[1]; Start-Machine; $before = ConvertTo-MachineText; Reset-Fault -StopAt 69'
$shell = [powershell]::Create()
$shell.Runspace = $space
$null = $shell.AddScript('& $block -Mode Apply -Force')
$null = $shell.BeginInvoke()
Test-Equal -What 'Apply comes to the call' -Is $reached.Wait(120000) -Should 'True'
$shell.Stop()
Test-Equal -What 'is stopped' -Is $shell.InvocationStateInfo.State -Should 'Stopped'
Test-Equal -What 'after it has changed much' -Is (Invoke-There '@(Get-Change | Select-Object -Unique).Count -gt 10') -Should 'True'
Test-Equal -What 'and undoes it' -Is (Invoke-There '(Compare-Object $before (ConvertTo-MachineText)) -join ""') -Should ''
'done'
